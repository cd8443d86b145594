// 3x3 depthwise convolution, stride 1 or 2: walks down VL output columns of a plane and multiplies every input row it
// meets into the output rows that see it, which stay in registers.
//
//   stride 1   input row y     w0 w1 w2 -> begun    w3 w4 w5 -> open    w6 w7 w8 -> ended, stored
//   stride 2   input row 2y    w3 w4 w5 -> open
//              input row 2y+1  w6 w7 w8 -> open, stored             w0 w1 w2 -> begun
//
// Stride 1 may write over its input: a row is stored when the row below it, the last one that needs it, is in registers.
// Only the walk to the right still needs this one's last column, and finds it saved.
//
// Where an output row fills half a vector at most, two planes share it: one in the lower half, one in the upper.

V_INLINE vf depthwise_lanes(const float *p, vm mask, ptrdiff_t plane, const int planes, const bool edge) {
  if (planes == 2) {
    return v_join(v_load_masked(mask, p), v_load_masked(mask, v_at(p, plane)));
  }
  return edge ? v_load_masked(mask, p) : v_load(p);
}

// The inputs under the kernel's three columns, in one image row.
V_INLINE void depthwise_row_3(const window_columns *c, const float *p, ptrdiff_t plane, const int stride,
                              const int planes, const bool edge, vf v[3]) {
  if (stride == 1) {
    v[0] = depthwise_lanes(p, c->left.first, plane, planes, edge);
    v[1] = depthwise_lanes(v_at(p, 1), c->middle.first, plane, planes, edge);
    v[2] = depthwise_lanes(v_at(p, 2), c->right.first, plane, planes, edge);
  } else if (planes == 2) {
    vf a = v_load_masked(c->left.first, p), b = v_load_masked(c->left.first, v_at(p, plane));
    vf c2 = v_load_masked(c->right.first, v_at(p, 2)), d = v_load_masked(c->right.first, v_at(p, plane + 2));
    v[0] = v_even(a, b);
    v[1] = v_odd(a, b);
    v[2] = v_even(c2, d);
  } else {
    vf a = edge ? v_load_masked(c->left.first, p) : v_load(p);
    vf b = edge ? v_load_masked(c->left.second, v_at(p, VL)) : v_load(p + VL);
    v[0] = v_even(a, b);
    v[1] = v_odd(a, b);
    v[2] = v_shift(v[0], !edge || c->tail ? v_set1(*v_at(p, 2 * VL)) : v_zero());
  }
}

V_INLINE vf depthwise_taps(const vf w[3], const vf v[3], vf sum) {
  return v_fma(w[2], v[2], v_fma(w[1], v[1], v_fma(w[0], v[0], sum)));
}

V_INLINE void depthwise_store(const depthwise_job *job, const window_columns *c, ptrdiff_t oy, vf sum,
                              const int planes, const bool edge) {
  window_store(c, c->out + oy * job->out_row_stride, job->out_plane, v_clamp(sum, job->lo, job->hi), planes, edge);
}

// The input before these columns as it was, and these columns' last one for the next walk.
V_INLINE vf depthwise_keep_column(const window_columns *c, const float *p, float *kept, vf before) {
  before = c->follows ? m_select(m_first(1), v_set1(*kept), before) : before;
  if (c->inside || !c->last) {
    *kept = *v_at(p, VL);
  }
  return before;
}

// `kept` has a float for each row where the output replaces the input, and is NULL elsewhere.
V_INLINE void depthwise_walk(const depthwise_job *job, const window_columns *c, const vf w[9], vf bias, float *kept,
                             const int stride, const int planes, const bool edge) {
  const ptrdiff_t height = job->g.height, out_height = job->g.out_height, row = job->g.row, plane = job->g.plane;
  ptrdiff_t y = -job->g.pad_top;
  const float *p = v_at(c->input, y * row);
  vf v[3], open = bias, ended = bias;
  if (stride == 1) {
    for (ptrdiff_t oy = -2; oy < out_height; oy++, y++, p = v_at(p, row)) {
      vf begun = bias;
      if ((size_t)y < (size_t)height) {
        window_fetch(c, p, stride, planes);
        depthwise_row_3(c, p, plane, stride, planes, edge, v);
        if (kept) {
          v[0] = depthwise_keep_column(c, p, kept + y, v[0]);
        }
        ended = depthwise_taps(w + 6, v, ended);
        open = depthwise_taps(w + 3, v, open);
        begun = depthwise_taps(w, v, begun);
      }
      if (oy >= 0) {
        depthwise_store(job, c, oy, ended, planes, edge);
      }
      ended = open;
      open = begun;
    }
    return;
  }
  for (ptrdiff_t oy = -1; oy < out_height; oy++, y += 2) {
    vf begun = bias;
    if (oy >= 0) {
      if ((size_t)(y - 1) < (size_t)height) {
        window_fetch(c, v_at(p, -row), stride, planes);
        depthwise_row_3(c, v_at(p, -row), plane, stride, planes, edge, v);
        open = depthwise_taps(w + 3, v, open);
      }
    }
    if ((size_t)y < (size_t)height) {
      window_fetch(c, p, stride, planes);
      depthwise_row_3(c, p, plane, stride, planes, edge, v);
      open = depthwise_taps(w + 6, v, open);
      begun = depthwise_taps(w, v, begun);
    }
    if (oy >= 0) {
      depthwise_store(job, c, oy, open, planes, edge);
    }
    open = begun;
    p = v_at(p, 2 * row);
  }
}

V_INLINE void depthwise_plane_3x3(const depthwise_job *job, ptrdiff_t index, const int stride, const int planes,
                                  const bool in_place) {
  const sp_conv_geometry *g = &job->g;
  const float *weights = job->weights + index * 9, *bias = job->bias ? job->bias + index : NULL;
  vf w[9], b = v_set1(bias ? bias[0] : 0);
  V_UNROLL for (int i = 0; i < 9; i++) { w[i] = v_set1(weights[i]); }
  if (planes == 2) {
    b = v_join(b, v_set1(bias ? bias[1] : 0));
    V_UNROLL for (int i = 0; i < 9; i++) { w[i] = v_join(w[i], v_set1(weights[9 + i])); }
  }
  float kept[SP_DEPTHWISE_ROWS_IN_PLACE];
  for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
    window_columns c = window_columns_at(g, job->input + index * g->plane, job->out + index * job->out_plane,
                                         job->out_plane, ox, stride);
    if (planes == 1 && c.inside) {
      depthwise_walk(job, &c, w, b, in_place ? kept : NULL, stride, planes, false);
    } else {
      depthwise_walk(job, &c, w, b, in_place ? kept : NULL, stride, planes, true);
    }
  }
}

V_INLINE void depthwise_planes_3x3(const depthwise_job *shared, ptrdiff_t planes, const int stride,
                                   const bool in_place) {
  const depthwise_job copy = *shared, *job = &copy;
  ptrdiff_t i = 0;
  if (job->g.out_width <= VL / 2) {
    for (; i + 2 <= planes; i += 2) {
      depthwise_plane_3x3(job, i, stride, 2, false);
    }
  }
  for (; i < planes; i++) {
    depthwise_plane_3x3(job, i, stride, 1, in_place);
  }
}
