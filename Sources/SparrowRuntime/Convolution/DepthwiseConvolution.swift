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
  let weight = try p.input(1).constant
  let writesInPlace = operands.addend == nil && shape.writesDepthwiseInPlace(p, weight)
  return Step(
    tasks: chunks.tasks, kernel: "f32_depthwise \(p.isaName)", multiplyAdds: shape.multiplyAdds,
    inPlaceInput: writesInPlace ? 0 : nil
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

extension ConvolutionShape {
  /// Whether the kernel can write over its input, and planes are so large that doing so keeps them
  /// in a cache that input and output together would overflow.
  fileprivate func writesDepthwiseInPlace(_ p: Preparation, _ weight: Tensor?) -> Bool {
    let g = geometry
    guard p.kernels.pointee.vector_floats > 1, outputs == 1, inputPlane == outputPlane,
      inputPlane >= 2048, g.height <= Int(SP_DEPTHWISE_ROWS_IN_PLACE),
      [g.kernel_h, g.kernel_w] == [3, 3],
      [g.stride_h, g.stride_w, g.dilation_h, g.dilation_w, g.pad_top, g.pad_left]
        .allSatisfy({ $0 == 1 }),
      let weight
    else { return false }
    return weight.withElements(of: Float.self) { $0.allSatisfy { $0.isFinite } }
  }
}
