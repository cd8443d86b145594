import CKernels
import SparrowCore

/// Convolution where each output channel reads one input channel: directly, a run of planes at a
/// time.
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
  let chunks = Chunks(planes, tasks: p.tasks(work: shape.multiplyAdds, limit: planes), unit: 2)
  // A finishing pass finds its planes in the first-level cache.
  let finishes = operands.addend != nil || fused.needsFinish
  let runLimit = shape.outputs > 1 ? 1 : finishes ? max(1, 4096 / max(1, pixels)) : channels
  return Step(
    tasks: chunks.tasks, kernel: "f32_depthwise \(p.isaName)", multiplyAdds: shape.multiplyAdds
  ) { work in
    var geometry = shape.geometry
    let range = chunks.range(work.task)
    let adds = operands.addend != nil
    var plane = range.lowerBound
    while plane < range.upperBound {
      let channel = plane % channels
      let run = min(range.upperBound - plane, channels - channel, runLimit)
      let source = plane / channels * shape.groups + channel / shape.outputs
      let y = work.floats(operands.y) + plane * pixels
      kernels.pointee.f32_depthwise(
        &geometry, run, work.floats(operands.x) + source * shape.inputPlane,
        work.floats(weights) + channel * shape.positions,
        operands.bias.map { UnsafePointer(work.floats($0) + channel) },
        adds ? -Float.infinity : fused.low, adds ? Float.infinity : fused.high, y, pixels,
        Int(geometry.out_width))
      if let addend = operands.addend {
        kernels.pointee.f32_binary(
          SP_BINARY_ADD, run * pixels, y, 1, work.floats(addend) + plane * pixels, 1, y)
        fused.apply(kernels, y, n: run * pixels)
      } else {
        fused.finish(kernels, y, rows: 1, n: run * pixels, stride: 0)
      }
      plane += run
    }
  }
}
