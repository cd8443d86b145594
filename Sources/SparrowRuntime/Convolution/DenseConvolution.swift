import CKernels
import SparrowCore

/// Convolution as a matrix product: weights packed at load, input windows packed tile by tile
/// (implicit im2col), both cut along the reduction so that an input panel stays in L1.
///
/// Workers share out pixel tiles. Where there are too few of them, all windows are packed in a phase
/// of their own and the output channels are shared out instead.
func denseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step {
  let tiling = DenseTiling(shape, p)
  let scratch = p.scratch(bytes: tiling.scratchFloats * 4)
  let product = DenseConvolution(
    shape: shape, operands: operands, tiling: tiling, weights: try groupPanels(&p, shape),
    fused: FusedActivation(activation), kernels: p.kernels)
  let packing = tiling.packsFirst ? [shape.batch * shape.groups * tiling.panels] : []
  return Step(
    phases: packing + [tiling.tasks.count], kernel: "f32_gemm (im2col)",
    multiplyAdds: shape.multiplyAdds
  ) { work in
    let scratch = work.floats(scratch)
    if work.phase < packing.count {
      product.packPanel(work, into: scratch)
    } else {
      product.run(work, scratch)
    }
  }
}

/// How a dense convolution is cut: panels of `nr` pixels, tiles of panels, blocks of the reduction.
private struct DenseTiling {
  let mr: Int
  let nr: Int
  let blocks: ReductionBlocks
  /// Panels of one output plane, and of a tile.
  let panels: Int
  let tilePanels: Int
  /// Windows are packed by a phase of their own, whole columns of the reduction at a time.
  let packsFirst: Bool
  let tasks: ConvolutionTasks
  let scratchFloats: Int

  init(_ shape: ConvolutionShape, _ p: Preparation) {
    mr = Int(p.kernels.pointee.gemm_mr)
    nr = Int(p.kernels.pointee.gemm_nr)
    blocks = ReductionBlocks(shape.k, limit: 256)
    let planes = shape.batch * shape.groups
    panels = max(1, (shape.outputPlane + nr - 1) / nr)
    packsFirst = p.threads > 1 && planes < p.threads && panels <= 8
    var tiles = packsFirst ? 1 : (panels + 5) / 6
    if planes % p.threads != 0, !packsFirst {
      tiles = min(panels, (tiles + p.threads - 1) / p.threads * p.threads)
    }
    tilePanels = (panels + tiles - 1) / tiles
    tasks = ConvolutionTasks(
      shape, tilePixels: tilePanels * nr, rowGranularity: mr, threads: p.threads)
    scratchFloats =
      packsFirst ? planes * panels * shape.k * nr : p.threads * tilePanels * blocks.length * nr
  }
}

/// The tasks of a dense convolution.
private struct DenseConvolution: @unchecked Sendable {
  let shape: ConvolutionShape
  let operands: ConvolutionOperands
  let tiling: DenseTiling
  let weights: [Panels]
  let fused: FusedActivation
  let kernels: UnsafePointer<sp_kernel_table>

  /// The input channels of one image and group.
  private func input(_ work: borrowing Work, _ plane: Int) -> UnsafePointer<Float> {
    UnsafePointer(work.floats(operands.x) + plane * shape.inputs * shape.inputPlane)
  }

  func packPanel(_ work: borrowing Work, into scratch: UnsafeMutablePointer<Float>) {
    var geometry = shape.geometry
    let pixel = work.task % tiling.panels * tiling.nr
    kernels.pointee.f32_im2col(
      &geometry, input(work, work.task / tiling.panels), 0, shape.k, pixel,
      min(tiling.nr, shape.outputPlane - pixel), scratch + work.task * shape.k * tiling.nr,
      tiling.nr)
  }

  func run(_ work: borrowing Work, _ scratch: UnsafeMutablePointer<Float>) {
    let place = tiling.tasks.place(work.task)
    let plane = place.image * shape.groups + place.group
    let nr = tiling.nr
    let count = min(tiling.tasks.tilePixels, shape.outputPlane - place.pixel)
    // Panels lie one after the other: of a block in the worker's own memory, or of the whole
    // reduction.
    let panelFloats = (tiling.packsFirst ? shape.k : tiling.blocks.length) * nr
    let tile =
      tiling.packsFirst
      ? scratch + (plane * tiling.panels + place.pixel / nr) * panelFloats
      : scratch + work.worker * tiling.tilePanels * panelFloats
    for block in 0..<tiling.blocks.count {
      let range = tiling.blocks.range(block)
      if !tiling.packsFirst {
        packTile(work, plane, pixel: place.pixel, count, range, into: tile)
      }
      let start = tiling.packsFirst ? tile + range.start * nr : tile
      multiply(work, place, block, count, panels: start, panelFloats: panelFloats)
    }
  }

  private func packTile(
    _ work: borrowing Work, _ plane: Int, pixel: Int, _ count: Int,
    _ range: (start: Int, end: Int), into tile: UnsafeMutablePointer<Float>
  ) {
    var geometry = shape.geometry
    let nr = tiling.nr
    var j = 0
    while j < count {
      kernels.pointee.f32_im2col(
        &geometry, input(work, plane), range.start, range.end, pixel + j, min(nr, count - j),
        tile + j * tiling.blocks.length, nr)
      j += nr
    }
  }

  private func multiply(
    _ work: borrowing Work, _ place: ConvolutionTasks.Place, _ block: Int, _ count: Int,
    panels: UnsafePointer<Float>, panelFloats: Int
  ) {
    let (mr, nr, pixels) = (tiling.mr, tiling.nr, shape.outputPlane)
    let range = tiling.blocks.range(block)
    let y = work.floats(operands.y)
    let lastRow = min(shape.outputs, place.row + tiling.tasks.chunkRows)
    let plane = place.image * shape.groups + place.group
    var epilogue = fused.epilogue(accumulate: block > 0, last: block == tiling.blocks.count - 1)
    var row = place.row
    while row < lastRow {
      let a = weights[place.group].floats + row * shape.k + range.start * mr
      let rows = min(mr, shape.outputs - row)
      let start = (plane * shape.outputs + row) * pixels + place.pixel
      var j = 0
      while j < count {
        operands.extend(
          &epilogue, work, channel: place.group * shape.outputs + row, offset: start + j,
          stride: pixels)
        kernels.pointee.f32_gemm(
          range.end - range.start, a, panels + j / nr * panelFloats, y + start + j, pixels, rows,
          min(nr, count - j), &epilogue)
        j += nr
      }
      if epilogue.last {
        fused.finish(kernels, y + start, rows: rows, n: count, stride: pixels)
      }
      row += mr
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
