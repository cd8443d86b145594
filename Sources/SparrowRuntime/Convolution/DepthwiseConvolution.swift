import CKernels
import SparrowCore

/// Convolution where each output channel reads one input channel: directly, plane by plane.
func depthwiseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step {
  let kernels = p.kernels
  let weights = p.slot(try p.input(1))
  let channels = shape.groups * shape.outputs
  let pixels = shape.outputPlane
  let planes = shape.batch * channels
  let fused = FusedActivation(activation)
  let tasks = p.tasks(work: shape.multiplyAdds, limit: planes)
  return Step(
    tasks: tasks, kernel: "f32_depthwise", multiplyAdds: shape.multiplyAdds
  ) { work in
    var geometry = shape.geometry
    for plane in (planes * work.task / tasks)..<(planes * (work.task + 1) / tasks) {
      let channel = plane % channels
      let source = plane / channels * shape.groups + channel / shape.outputs
      let bias = operands.bias.map { work.floats($0)[channel] } ?? 0
      let y = work.floats(operands.y) + plane * pixels
      let adds = operands.addend != nil
      kernels.pointee.f32_depthwise(
        &geometry, work.floats(operands.x) + source * shape.inputPlane,
        work.floats(weights) + channel * shape.positions, bias,
        adds ? -Float.infinity : fused.low, adds ? Float.infinity : fused.high, y,
        Int(geometry.out_width))
      if let addend = operands.addend {
        kernels.pointee.f32_binary(
          SP_BINARY_ADD, pixels, y, 1, work.floats(addend) + plane * pixels, 1, y)
        fused.apply(kernels, y, n: pixels)
      } else {
        fused.finish(kernels, y, rows: 1, n: pixels, stride: pixels)
      }
    }
  }
}
