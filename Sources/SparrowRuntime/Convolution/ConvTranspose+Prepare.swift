import CKernels
import SparrowCore

extension ConvTranspose {
  /// A matrix product makes every (output channel, kernel position) plane of the input's size; a
  /// second phase adds each plane into the output at its stride and offset.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let shape = try TransposedShape(p, self)
    let kernels = p.kernels
    let nr = Int(kernels.pointee.gemm_nr)
    let mr = Int(kernels.pointee.gemm_mr)
    let tensor = try p.constantWeight(1)
    let rows = shape.outputs * shape.positions
    let weights = (0..<shape.groups).map { group in
      tensor.withElements(of: Float.self) { all -> Panels in
        guard let base = all.baseAddress else { return Panels(count: 0) }
        return Panels.rows(
          kernels, base + group * shape.inputs * rows, rows: rows, k: shape.inputs, rowStride: 1,
          columnStride: rows)
      }
    }
    let (x, y) = (p.slot(try p.input(0)), p.slot(p.outputs[0]))
    let bias = p.optional(2).map { p.slot($0) }
    let columns = p.scratch(bytes: shape.planes * rows * shape.inputPlane * 4)
    let panels = p.scratch(bytes: p.threads * shape.inputs * nr * 4)
    let fused = FusedActivation(activation)
    let tiles = shape.inputPlane.dividedUp(by: nr)
    return Step(
      phases: [shape.planes * tiles, shape.planes * shape.outputs],
      kernel: "f32_gemm (col2im)",
      multiplyAdds: shape.planes * rows * shape.inputs * shape.inputPlane
    ) { work in
      if work.phase == 0 {
        let plane = work.task / tiles
        let pixel = work.task % tiles * nr
        let count = min(nr, shape.inputPlane - pixel)
        let panel = work.floats(panels) + work.worker * shape.inputs * nr
        kernels.pointee.f32_pack_b(
          shape.inputs, count, work.floats(x) + plane * shape.inputs * shape.inputPlane + pixel,
          shape.inputPlane, 1, panel)
        var epilogue = FusedActivation(.none).epilogue(accumulate: false, last: true)
        var row = 0
        while row < rows {
          kernels.pointee.f32_gemm(
            shape.inputs, weights[plane % shape.groups].floats + row * shape.inputs, panel,
            work.floats(columns) + (plane * rows + row) * shape.inputPlane + pixel,
            shape.inputPlane, min(mr, rows - row), count, &epilogue)
          row += mr
        }
      } else {
        let channel = work.task % (shape.groups * shape.outputs)
        let target = work.floats(y) + work.task * shape.outputPlane
        let value = bias.map { work.floats($0)[channel] } ?? 0
        for i in 0..<shape.outputPlane { target[i] = value }
        shape.scatter(
          work.floats(columns) + work.task * shape.positions * shape.inputPlane, into: target)
        fused.apply(kernels, target, n: shape.outputPlane)
      }
    }
  }
}

/// A transposed convolution of concrete shapes.
private struct TransposedShape {
  let planes: Int
  let groups: Int
  let inputs: Int
  let outputs: Int
  let input: (height: Int, width: Int)
  let output: (height: Int, width: Int)
  let window: Window.Resolved

  var positions: Int { window.kernel[0] * window.kernel[1] }
  var inputPlane: Int { input.height * input.width }
  var outputPlane: Int { output.height * output.width }

  init(_ p: Preparation, _ op: ConvTranspose) throws(RuntimeError) {
    let x = try p.input(0)
    let weight = try p.input(1)
    guard x.shape.count == 4, x.dtype == .float32, op.group > 0,
      weight.shape[0] % op.group == 0
    else { throw p.unsupported("transposed convolutions are 2-D float32, found \(x.shape)") }
    do throws(InferenceError) {
      window = try op.resolved(
        kernel: Array(weight.shape[2...]), input: Array(x.shape[2...])
      ).window
    } catch {
      throw p.unsupported(error.reason)
    }
    groups = op.group
    planes = x.shape[0] * op.group
    inputs = weight.shape[0] / op.group
    outputs = weight.shape[1]
    input = (x.shape[2], x.shape[3])
    output = (p.outputs[0].shape[2], p.outputs[0].shape[3])
  }

  /// Adds the planes of one channel's kernel positions into its output plane.
  func scatter(_ columns: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    for position in 0..<positions {
      let source = columns + position * inputPlane
      let top = position / window.kernel[1] * window.dilations[0] - window.padsBegin[0]
      let left = position % window.kernel[1] * window.dilations[1] - window.padsBegin[1]
      for row in 0..<input.height {
        let y = row * window.strides[0] + top
        guard y >= 0, y < output.height else { continue }
        for column in 0..<input.width {
          let x = column * window.strides[1] + left
          if x >= 0, x < output.width {
            target[y * output.width + x] += source[row * input.width + column]
          }
        }
      }
    }
  }
}
