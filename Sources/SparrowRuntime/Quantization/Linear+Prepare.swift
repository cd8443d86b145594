import SparrowCore

/// A tensor seen as `[outer, length, inner]`, with a scale and a zero point for all of it or for each
/// index in the middle.
private struct QuantizedLines {
  let (length, inner): (Int, Int)
  let lines: Int
  let isOneScale: Bool

  /// nil where the scales are those of blocks.
  init?(_ shape: [Int], scale: [Int], axis: Int, block: Int) {
    guard block == 0 else { return nil }
    isOneScale = scale.elementCount == 1
    if isOneScale {
      (length, inner, lines) = (1, shape.elementCount, 1)
      return
    }
    let place = shape.count == 1 ? 0 : axis < 0 ? axis + shape.count : axis
    guard shape.indices.contains(place), scale == [shape[place]] else { return nil }
    length = shape[place]
    inner = shape[(place + 1)...].reduce(1, *)
    lines = shape[...place].reduce(1, *)
  }

  /// Runs of one scale: a line may be cut into several where there is but one.
  var chunks: Chunks { Chunks(lines * inner, tasks: max(1, min(64, lines * inner / 16_384))) }

  /// Calls `body` for each run of elements in `range` that share a scale.
  @inline(__always)
  func each(_ range: Range<Int>, _ body: (_ elements: Range<Int>, _ scale: Int) -> Void) {
    var at = range.lowerBound
    while at < range.upperBound {
      let line = at / inner
      let end = min(range.upperBound, (line + 1) * inner)
      body(at..<end, isOneScale ? 0 : line % length)
      at = end
    }
  }
}

extension QuantizeLinear {
  /// float32 to 8 bits; anything else runs the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale, y) = (try p.input(0), try p.input(1), p.outputs[0])
    guard x.dtype == .float32, scale.dtype == .float32, (precision ?? 0) <= 1, x.count > 0,
      let lines = QuantizedLines(x.shape, scale: scale.shape, axis: axis, block: block)
    else { return p.referenceStep(.quantizeLinear(self)) }
    switch y.dtype {
    case .uint8: return step(&p, lines, UInt8.self)
    case .int8: return step(&p, lines, Int8.self)
    default: return p.referenceStep(.quantizeLinear(self))
    }
  }

  private func step<T: FixedWidthInteger & BitwiseCopyable>(
    _ p: inout Preparation, _ lines: QuantizedLines, _ type: T.Type
  ) -> Step {
    let slots = p.inputs.map { operand in operand.map { p.slot($0) } }
    let to = p.slot(p.outputs[0])
    let chunks = lines.chunks
    return Step(tasks: chunks.tasks, kernel: "quantize") { work in
      let work = copy work
      guard let x = slots[0].map({ work.floats($0) }),
        let scales = slots[1].map({ work.floats($0) })
      else { return }
      let y = work.pointer(to, as: T.self)
      let zeros = slots.count > 2 ? slots[2].map { work.pointer($0, as: T.self) } : nil
      lines.each(chunks.range(work.task)) { elements, index in
        let scale = scales[index]
        let zero = zeros.map { Float($0[index]) } ?? 0
        for i in elements {
          let rounded = (x[i] / scale).rounded(.toNearestOrEven) + zero
          // NaN stays the zero point.
          let bounded = rounded < Float(T.min) ? Float(T.min) : rounded
          let value = bounded > Float(T.max) ? Float(T.max) : bounded
          y[i] = T(value == value ? value : zero)
        }
      }
    }
  }
}

extension DequantizeLinear {
  /// 8 bits and int32 to float32; anything else runs the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale, y) = (try p.input(0), try p.input(1), p.outputs[0])
    guard scale.dtype == .float32, y.dtype == .float32, x.count > 0,
      let lines = QuantizedLines(x.shape, scale: scale.shape, axis: axis, block: block)
    else { return p.referenceStep(.dequantizeLinear(self)) }
    switch x.dtype {
    case .uint8: return step(&p, lines, UInt8.self) { Float(Int32($0) - Int32($1)) * $2 }
    case .int8: return step(&p, lines, Int8.self) { Float(Int32($0) - Int32($1)) * $2 }
    default: return p.referenceStep(.dequantizeLinear(self))
    }
  }

  private func step<T: FixedWidthInteger & BitwiseCopyable>(
    _ p: inout Preparation, _ lines: QuantizedLines, _ type: T.Type,
    _ dequantized: @escaping (T, T, Float) -> Float
  ) -> Step {
    let slots = p.inputs.map { operand in operand.map { p.slot($0) } }
    let to = p.slot(p.outputs[0])
    let chunks = lines.chunks
    return Step(tasks: chunks.tasks, kernel: "dequantize") { work in
      let work = copy work
      guard let x = slots[0].map({ work.pointer($0, as: T.self) }),
        let scales = slots[1].map({ work.floats($0) })
      else { return }
      let y = work.floats(to)
      let zeros = slots.count > 2 ? slots[2].map { work.pointer($0, as: T.self) } : nil
      lines.each(chunks.range(work.task)) { elements, index in
        let (scale, zero) = (scales[index], zeros.map { $0[index] } ?? 0)
        for i in elements { y[i] = dequantized(x[i], zero, scale) }
      }
    }
  }
}
