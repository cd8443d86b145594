import SparrowCore

extension Resize {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    guard y.count > 0 else { return try p.copyStep() }
    guard x.count > 0 else { throw p.unsupported("its input is empty") }
    let axes: [Axis]
    do throws(InferenceError) {
      axes = try resizedAxes(p.inferenceContext, input: x.shape)
    } catch {
      // Shapes are known, but scales or a region come with a run.
      return p.referenceStep(.resize(self))
    }
    let showsOutside = axes.contains { axis in
      coordinates == .cropAndResize && (0..<axis.output).contains { axis.isOutside($0) }
    }
    switch (mode, x.dtype) {
    case _ where showsOutside: return p.referenceStep(.resize(self))
    case (.nearest, _):
      let sources = axes.map { axis in
        axis.isUnchanged
          ? Array(0..<axis.output) : (0..<axis.output).map { axis.nearest($0) }
      }
      let copy = TableCopy(p, input: x.shape, sources: sources, from: p.slot(x), to: p.slot(y))
      return p.step(copy, x.dtype, kernel: "resize nearest")
    case (_, .float32), (_, .float64): return try interpolation(&p, axes)
    default: return p.referenceStep(.resize(self))
    }
  }

  /// Weighted sums along one axis after the other, through scratch memory.
  private func interpolation(
    _ p: inout Preparation, _ axes: [Axis]
  ) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    let changed = axes.indices.filter { !axes[$0].isUnchanged }
    guard !changed.isEmpty else { return try p.copyStep() }
    var shape = x.shape
    var from = p.slot(x)
    var steps: [Step] = []
    for axis in changed {
      let outer = shape[..<axis].reduce(1, *)
      let inner = shape[(axis + 1)...].reduce(1, *)
      shape[axis] = axes[axis].output
      let isLast = axis == changed.last
      let to = isLast ? p.slot(y) : p.scratch(bytes: shape.elementCount * x.dtype.size)
      let pass = InterpolationPass(p, axes[axis], outer: outer, inner: inner, from: from, to: to)
      switch x.dtype {
      case .float32: steps.append(pass.step(Float.self))
      case .float64: steps.append(pass.step(Double.self))
      default:
        throw p.unsupported("interpolation does not take \(x.dtype.name)")
      }
      from = to
    }
    return Step(inSequence: steps, kernel: "resize \(mode.name)")
  }
}

/// Resizes the middle axis of `[outer, length, inner]`.
private struct InterpolationPass {
  private let from: Slot
  private let to: Slot
  private let input: Int
  private let output: Int
  private let inner: Int
  private let taps: Int
  /// `taps` entries for each output position.
  private let positions: LookupTable<Int>
  private let weights: LookupTable<Float>
  private let chunks: Chunks

  init(_ p: Preparation, _ axis: Resize.Axis, outer: Int, inner: Int, from: Slot, to: Slot) {
    (self.from, self.to, self.inner) = (from, to, inner)
    (input, output) = (axis.input, axis.output)
    let all = (0..<axis.output).map { axis.taps($0) }
    taps = all.first?.positions.count ?? 0
    positions = LookupTable(all.flatMap { $0.positions })
    weights = LookupTable(all.flatMap { $0.weights })
    let elements = outer * axis.output * inner
    // With a long inner run each output row is a unit; else each outer slice is.
    let units = inner == 1 ? outer : outer * axis.output
    chunks = Chunks(units, tasks: p.tasks(work: elements * taps, limit: 64))
  }

  func step<T: Arithmetic & BinaryFloatingPoint>(_ type: T.Type) -> Step {
    let pass = self
    return Step(tasks: chunks.tasks, kernel: "interpolate") { work in
      let (x, y) = (work.pointer(pass.from, as: T.self), work.pointer(pass.to, as: T.self))
      for unit in pass.chunks.range(work.task) {
        if pass.inner == 1 {
          pass.columns(x + unit * pass.input, y + unit * pass.output)
        } else {
          let (slice, row) = unit.quotientAndRemainder(dividingBy: pass.output)
          pass.row(row, x + slice * pass.input * pass.inner, y + unit * pass.inner)
        }
      }
    }
  }

  /// A slice without inner axis: every output is gathered.
  @inline(__always)
  private func columns<T: Arithmetic & BinaryFloatingPoint>(
    _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    for i in 0..<output {
      var sum = T.zero
      for k in i * taps..<(i + 1) * taps { sum += T(weights[k]) * x[positions[k]] }
      y[i] = sum
    }
  }

  /// One output row as a sum of whole input rows.
  @inline(__always)
  private func row<T: Arithmetic & BinaryFloatingPoint>(
    _ row: Int, _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    for k in row * taps..<(row + 1) * taps {
      let source = x + positions[k] * inner
      let weight = T(weights[k])
      if k == row * taps {
        for i in 0..<inner { y[i] = weight * source[i] }
      } else {
        for i in 0..<inner { y[i] += weight * source[i] }
      }
    }
  }
}
