import SparrowCore

/// Attention operators of com.microsoft: ONNX's Attention on heads side by side in the last axis.
extension Lift {
  /// What the fused forms share.
  private struct Fused {
    var heads: Int
    var isCausal: Bool
    var scale: Float?
    /// Added to the score of a masked key.
    var filter: Float

    init(_ form: inout NodeForm) throws(FormatError) {
      heads = try form.takeInt("num_heads")
      isCausal = try form.takeInt("unidirectional") != 0
      scale = try form.takeFloat("scale")
      if scale == 0 { scale = nil }
      filter = try form.takeFloat("mask_filter_value") ?? -10000
      guard heads > 0 else { throw form.malformed("num_heads is \(heads)") }
    }

    var attention: Attention {
      var op = Attention()
      (op.queryHeads, op.keyHeads) = (heads, heads)
      (op.isCausal, op.scale) = (isCausal, scale)
      return op
    }
  }

  /// The additive mask of a key mask `[B,S]` or `[B,L,S]` (1 where a key counts) and a bias, as
  /// `[B,N,L,S]` or what broadcasts to it.
  private static func mask(
    _ form: NodeForm, _ builder: inout GraphBuilder, keys: ValueID?, bias: ValueID?, _ fused: Fused,
    like x: ValueID
  ) throws(FormatError) -> ValueID? {
    guard let keys else { return bias }
    let axes: [Int]
    switch builder.rank(of: keys) {
    case 2: axes = [1, 2]
    case 3: axes = [1]
    case let rank:
      throw form.unsupported("a mask of rank \(rank.map { "\($0)" } ?? "?") is not supported")
    }
    let shown = try builder.cast(keys, to: .bool, for: form)
    let values = try builder.emit(
      .where(Where()),
      [
        shown, builder.number(0, like: x, for: form),
        builder.number(Double(fused.filter), like: x, for: form),
      ], for: form, "mask")
    let mask = try builder.unsqueeze(values, axes, for: form)
    guard let bias else { return mask }
    return try builder.emit(.add, mask, bias, for: form)
  }

  /// MultiHeadAttention: query, key, value `[B,L,N*H]`, bias? of all three, key_padding_mask?,
  /// attention_bias?, past_key?, past_value?.
  static func multiHeadAttention(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let fused = try Fused(&form)
    for i in [8, 9] where form.input(i) != nil {
      throw form.unsupported("input \(i) (a cache shared with the output) is not supported")
    }
    guard !form.wants(3) else { throw form.unsupported("the scores' output is not supported") }
    let query = try form.requiredInput(0)
    guard let key = form.input(1), let value = form.input(2) else {
      throw form.unsupported("packed operands are not supported")
    }
    var parts = [query, key, value]
    for part in parts where builder.rank(of: part) != 3 {
      throw form.unsupported("operands of another rank than 3 are not supported")
    }
    if let bias = form.input(3) {
      guard let hidden = builder.length(of: parts[0], axis: -1),
        let valueSize = builder.length(of: parts[2], axis: -1),
        builder.shape(of: bias) == [2 * hidden + valueSize]
      else { throw form.unsupported("the bias needs operands of known size") }
      var first = 0
      for (i, count) in [hidden, hidden, valueSize].enumerated() {
        let part = try builder.columns(bias, first..<(first + count), for: form)
        parts[i] = try builder.emit(.add, parts[i], part, for: form)
        first += count
      }
    }
    let mask = try mask(
      form, &builder, keys: form.input(4), bias: form.input(5), fused, like: parts[0])
    form.become(
      .attention(fused.attention),
      [parts[0], parts[1], parts[2], mask, form.input(6), form.input(7)])
  }

  /// Attention: x `[B,L,I]`, weights `[I,N*H*3]`, bias?, mask_index? `[B,S]` or `[B,L,S]`, past?
  /// `[2,B,N,P,H]`, attention_bias?. Output 1 is the present of the same form.
  static func attention(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let fused = try Fused(&form)
    guard try form.takeInt("do_rotary") == 0, form.input(6) == nil,
      try form.takeInt("past_present_share_buffer") == 0
    else {
      throw form.unsupported("rotation, and a cache shared with the output, are not supported")
    }
    let weights = try form.requiredInput(1)
    guard let all = builder.length(of: weights, axis: 1) else {
      throw form.unsupported("the weights' size is not known")
    }
    let sizes =
      try form.take("qkv_hidden_sizes", .ints)?.ints.map { Int($0) } ?? [all / 3, all / 3, all / 3]
    guard sizes.count == 3, sizes.allSatisfy({ $0 > 0 && $0 <= all }), sizes.reduce(0, +) == all
    else { throw form.malformed("qkv_hidden_sizes do not add up to \(all)") }
    var projected = try builder.emit(
      .matMul(MatMul()), [try form.requiredInput(0), weights], for: form, "projected")
    if let bias = form.input(2) { projected = try builder.emit(.add, projected, bias, for: form) }
    var parts: [ValueID?] = []
    var first = 0
    for size in sizes {
      parts.append(try builder.columns(projected, first..<(first + size), for: form))
      first += size
    }
    parts.append(
      try mask(
        form, &builder, keys: form.input(3), bias: form.input(5), fused, like: projected))
    if let past = form.input(4) {
      for i in 0..<2 {
        parts.append(try builder.gather(past, Tensor(scalar: Int64(i)), axis: 0, for: form))
      }
    }
    guard form.wants(1) else { return form.become(.attention(fused.attention), parts) }
    let made = try builder.emitAll(
      .attention(fused.attention), parts, outputs: 3, for: form, "attention")
    var halves: [ValueID?] = []
    for id in made.dropFirst() { halves.append(try builder.unsqueeze(id, [0], for: form)) }
    form.setOutput(1, try builder.emit(.concat(Concat(axis: 0)), halves, for: form, "present"))
    form.become(.identity(Identity()), [made[0]])
  }

  /// RotaryEmbedding: x, position_ids (`[B,L]`, or `[1]`: the first one's), cos, sin.
  static func rotaryEmbedding(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard try form.takeInt("is_packed_batching") == 0, (try form.takeFloat("scale") ?? 1) == 1
    else {
      throw form.unsupported("packed batches and scales are not supported")
    }
    let x = try form.requiredInput(0)
    var op = RotaryEmbedding()
    op.isInterleaved = try form.takeInt("interleaved") != 0
    op.rotated = try form.takeInt("rotary_embedding_dim")
    let heads = try form.takeInt("num_heads")
    if builder.rank(of: x) == 3 {
      op.heads = heads
      if heads == 0 {
        // Without a number the tables say how long a head is.
        guard let hidden = builder.length(of: x, axis: 2),
          let half = builder.length(of: try form.requiredInput(2), axis: 1), half > 0
        else { throw form.unsupported("the number of heads is not known") }
        op.heads = hidden / (2 * half)
      }
    }
    var positions = try form.requiredInput(1)
    switch builder.rank(of: positions) {
    case 2: break
    case 1:
      let shape = try builder.emit(.shapeOf(ShapeOf()), [x], for: form, "shape")
      let axis = builder.rank(of: x) == 3 ? 1 : 2
      let batch = try builder.gather(shape, Tensor([Int64(0)]), axis: 0, for: form)
      let length = try builder.gather(shape, Tensor([Int64(axis)]), axis: 0, for: form)
      let scalar = try builder.gather(shape, Tensor(scalar: Int64(axis)), axis: 0, for: form)
      let bounds = [Int64(0), 1].map { builder.constant(Tensor(scalar: $0), for: form, "bound") }
      let steps = try builder.emit(
        .range(RangeOf()), [bounds[0], scalar, bounds[1]], for: form, "steps")
      let sum = try builder.emit(.add, steps, positions, for: form)
      let target = try builder.emit(
        .concat(Concat(axis: 0)), [batch, length], for: form, "target")
      positions = try builder.emit(.expand(Expand()), [sum, target], for: form, "positions")
    default: throw form.unsupported("position_ids must have rank 1 or 2")
    }
    form.become(
      .rotaryEmbedding(op),
      [x, try form.requiredInput(2), try form.requiredInput(3), positions])
  }
}
