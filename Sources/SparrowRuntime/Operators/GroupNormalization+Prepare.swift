import CKernels
import SparrowCore

extension GroupNormalization {
  /// A task owns groups; their channels lie one after the other.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale, bias) = (try p.input(0), try p.input(1), try p.input(2))
    guard x.dtype == .float32, scale.dtype == .float32, bias.dtype == .float32 else {
      return p.referenceStep(.groupNormalization(self))
    }
    let channels = x.shape[1]
    let plane = x.shape[2...].reduce(1, *)
    let width = channels / max(groups ?? channels, 1)
    let size = width * plane
    let slots = (
      x: p.slot(x), scale: p.slot(scale), bias: p.slot(bias), y: p.slot(p.outputs[0])
    )
    let count = size == 0 ? 0 : x.count / size
    let chunks = Chunks(count, tasks: p.tasks(work: x.count * 2, limit: 64))
    let (table, epsilon) = (p.kernels, Double(epsilon))
    return Step(
      tasks: chunks.tasks, kernel: "f32_group_norm \(p.isaName)", inPlaceInput: p.inPlaceInput([0])
    ) { work in
      let (scale, bias) = (work.floats(slots.scale), work.floats(slots.bias))
      for group in chunks.range(work.task) {
        let x = work.floats(slots.x) + group * size
        let y = work.floats(slots.y) + group * size
        let mean = Double(table.pointee.f32_sum(size, x)) / Double(size)
        let variance = Moments.squares(size, x, center: Float(mean)) / Double(size)
        let inverse = 1 / (variance + epsilon).squareRoot()
        for i in 0..<width {
          let channel = (group * width + i) % channels
          let factor = inverse * Double(scale[channel])
          table.pointee.f32_scale_shift(
            plane, x + i * plane, Float(factor), Float(Double(bias[channel]) - mean * factor),
            y + i * plane)
        }
      }
    }
  }
}

extension RMSNormalization {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale) = (try p.input(0), try p.input(1))
    let axis = self.axis < 0 ? self.axis + x.shape.count : self.axis
    guard x.shape.indices.contains(axis) else {
      throw p.unsupported("axis \(self.axis) is outside a tensor of rank \(x.shape.count)")
    }
    let length = x.shape[axis...].reduce(1, *)
    guard x.dtype == .float32, scale.dtype == .float32, scale.count == length else {
      return p.referenceStep(.rmsNormalization(self))
    }
    let slots = (x: p.slot(x), scale: p.slot(scale), y: p.slot(p.outputs[0]))
    let rows = x.shape[..<axis].reduce(1, *)
    let chunks = Chunks(rows, tasks: p.tasks(work: x.count * 2, limit: 64))
    let (table, epsilon) = (p.kernels, Double(epsilon))
    return Step(
      tasks: chunks.tasks, kernel: "f32_rms_norm \(p.isaName)", inPlaceInput: p.inPlaceInput([0])
    ) { work in
      for row in chunks.range(work.task) {
        let x = work.floats(slots.x) + row * length
        let y = work.floats(slots.y) + row * length
        let mean = Moments.squares(length, x, center: 0) / Double(length)
        let inverse = Float(1 / (mean + epsilon).squareRoot())
        table.pointee.f32_scale_shift(length, x, inverse, 0, y)
        table.pointee.f32_binary(SP_BINARY_MUL, length, y, 1, work.floats(slots.scale), 1, y)
      }
    }
  }
}

extension LRN {
  /// Each output row of a plane's piece is made from the squares of its channels' pieces.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    guard x.dtype == .float32 else { return p.referenceStep(.lrn(self)) }
    let channels = x.shape[1]
    let plane = x.shape[2...].reduce(1, *)
    let samples = x.shape[0]
    let piece = min(max(plane, 1), 512)
    let pieces = plane.dividedUp(by: piece)
    let chunks = Chunks(
      samples * channels * pieces, tasks: p.tasks(work: x.count * (size + 8), limit: 64))
    let buffers = p.scratch(bytes: chunks.tasks * 2 * piece * MemoryLayout<Float>.stride)
    let (from, to, op) = (p.slot(x), p.slot(p.outputs[0]), self)
    let table = p.kernels
    return Step(tasks: chunks.tasks, kernel: "f32_lrn \(p.isaName)") { work in
      let sum = work.floats(buffers) + work.task * 2 * piece
      let square = sum + piece
      let (unary, binary) = (table.pointee.f32_unary, table.pointee.f32_binary)
      for unit in chunks.range(work.task) {
        let (row, part) = unit.quotientAndRemainder(dividingBy: pieces)
        let (sample, channel) = row.quotientAndRemainder(dividingBy: channels)
        let n = min(piece, plane - part * piece)
        let x = work.floats(from) + part * piece
        for i in 0..<n { sum[i] = 0 }
        for other in op.window(channel, of: channels) {
          let source = x + (sample * channels + other) * plane
          binary(SP_BINARY_MUL, n, source, 1, source, 1, square)
          binary(SP_BINARY_ADD, n, sum, 1, square, 1, sum)
        }
        table.pointee.f32_scale_shift(n, sum, op.alpha / Float(op.size), op.bias, sum)
        // x * d^-beta = x * exp(-beta * log d)
        unary(SP_UNARY_LOG, n, sum, sum, 0, 0)
        table.pointee.f32_scale_shift(n, sum, -op.beta, 0, sum)
        unary(SP_UNARY_EXP, n, sum, sum, 0, 0)
        binary(
          SP_BINARY_MUL, n, x + row * plane, 1, sum, 1, work.floats(to) + row * plane + part * piece
        )
      }
    }
  }
}
