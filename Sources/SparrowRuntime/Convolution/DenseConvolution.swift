import CKernels
import SparrowCore

/// Convolution as a matrix product: weights packed at load, input windows packed tile by tile
/// (implicit im2col), both cut along the reduction so that an input panel stays in L1.
func denseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step {
  let kernels = p.kernels
  let mr = Int(kernels.pointee.gemm_mr)
  let nr = Int(kernels.pointee.gemm_nr)
  let k = shape.k
  let blocks = ReductionBlocks(k, limit: 256)
  let pixels = shape.outputPlane
  let panelCount = max(1, (pixels + nr - 1) / nr)
  let tileCount = (panelCount + 5) / 6
  let tilePanels = (panelCount + tileCount - 1) / tileCount
  let tasks = ConvolutionTasks(
    shape, tilePixels: tilePanels * nr, rowGranularity: mr, threads: p.threads)
  let tileFloats = tilePanels * blocks.length * nr
  let scratch = p.scratch(bytes: p.threads * tileFloats * 4)
  let weights = try groupPanels(&p, shape)
  let fused = FusedActivation(activation)

  return Step(
    tasks: tasks.count, kernel: "f32_gemm (im2col)", multiplyAdds: shape.multiplyAdds
  ) { work in
    let place = tasks.place(work.task)
    var geometry = shape.geometry
    let count = min(tasks.tilePixels, pixels - place.pixel)
    let lastRow = min(shape.outputs, place.row + tasks.chunkRows)
    let channel = (place.image * shape.groups + place.group) * shape.outputs
    let x =
      work.floats(operands.x)
      + (place.image * shape.groups + place.group) * shape.inputs * shape.inputPlane
    let y = work.floats(operands.y)
    let tile = work.floats(scratch) + work.worker * tileFloats
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      let length = range.end - range.start
      var epilogue = fused.epilogue(accumulate: block > 0, last: block == blocks.count - 1)
      var j = 0
      while j < count {
        kernels.pointee.f32_im2col(
          &geometry, x, range.start, range.end, place.pixel + j, min(nr, count - j),
          tile + j / nr * blocks.length * nr, nr)
        j += nr
      }
      var row = place.row
      while row < lastRow {
        let a = weights[place.group].floats + row * k + range.start * mr
        let rows = min(mr, shape.outputs - row)
        var j = 0
        while j < count {
          let offset = (channel + row) * pixels + place.pixel + j
          operands.extend(
            &epilogue, work, channel: place.group * shape.outputs + row, offset: offset,
            stride: pixels)
          kernels.pointee.f32_gemm(
            length, a, tile + j / nr * blocks.length * nr, y + offset, pixels, rows,
            min(nr, count - j), &epilogue)
          j += nr
        }
        if epilogue.last {
          fused.finish(
            kernels, y + (channel + row) * pixels + place.pixel, rows: rows, n: count,
            stride: pixels)
        }
        row += mr
      }
    }
  }
}

/// The weight of each group as row panels, outputs x (inputs * positions).
private func groupPanels(
  _ p: inout Preparation, _ shape: ConvolutionShape
) throws(RuntimeError) -> [Panels] {
  let kernels = p.kernels
  let tensor = try p.constantWeight(1)
  return (0..<shape.groups).map { group in
    p.weights.panels(WeightCache.Key(tensor, layout: .rowPanels, group: group)) {
      tensor.withElements(of: Float.self) { all in
        guard let base = all.baseAddress else { return Panels(count: 0) }
        return Panels.rows(
          kernels, base + group * shape.outputs * shape.k, rows: shape.outputs, k: shape.k,
          rowStride: shape.k, columnStride: 1)
      }
    }
  }
}

extension Preparation {
  /// The float32 weight at input `i`, which must be constant.
  func constantWeight(_ i: Int) throws(RuntimeError) -> Tensor {
    guard let tensor = try input(i).constant else {
      throw unsupported("input \(i), the weight, must be constant")
    }
    return tensor
  }
}
