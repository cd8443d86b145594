import CKernels
import SparrowCore

/// Convolution with a sparse weight: per tile of up to 80 output pixels, the input windows of a
/// block of the reduction are packed into L1 and every stored weight multiplies one packed row. nil
/// where the weight is not sparse enough to win.
func sparseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step? {
  guard !p.weights.forcesDense, let matrices = try groupMatrices(p, shape),
    let first = matrices.first
  else { return nil }
  let kernels = p.kernels
  let pixels = shape.outputPlane
  let isInPlace = shape.readsPlanesInPlace
  let tasks = ConvolutionTasks(
    shape, tilePixels: SparseMatrix.tileColumns(pixels), rowGranularity: first.rowGranularity,
    threads: p.threads)
  let tileFloats = isInPlace ? 0 : first.blocks.length * first.width
  let scratch = p.scratch(bytes: p.threads * tileFloats * 4)
  let fused = FusedActivation(activation)
  let nonzeros = matrices.reduce(0) { $0 + $1.nonzeros }

  return Step(
    tasks: tasks.count, kernel: first.kernelName,
    multiplyAdds: shape.batch * pixels * nonzeros
  ) { work in
    let place = tasks.place(work.task)
    let matrix = matrices[place.group]
    var geometry = shape.geometry
    let count = min(tasks.tilePixels, pixels - place.pixel)
    let lastRow = min(shape.outputs, place.row + tasks.chunkRows)
    let plane = place.image * shape.groups + place.group
    let x = work.floats(operands.x) + plane * shape.inputs * shape.inputPlane
    let offset = plane * shape.outputs * pixels + place.pixel
    let y = work.floats(operands.y) + offset
    let scratch = work.floats(scratch) + work.worker * tileFloats
    for block in 0..<matrix.blocks.count {
      let range = matrix.blocks.range(block)
      var tile = UnsafePointer(scratch)
      if isInPlace {
        tile = UnsafePointer(x + range.start * pixels + place.pixel)
      } else {
        kernels.pointee.f32_im2col(
          &geometry, x, range.start, range.end, place.pixel, count, scratch, matrix.width)
      }
      var epilogue = fused.epilogue(
        accumulate: block > 0, last: block == matrix.blocks.count - 1)
      operands.extend(
        &epilogue, work, channel: place.group * shape.outputs, offset: offset, stride: pixels)
      matrix.multiply(
        kernels, block: block, begin: place.row, end: lastRow, tile: tile, n: count, c: y,
        stride: pixels, epilogue: &epilogue)
    }
    fused.finish(
      kernels, y + place.row * pixels, rows: lastRow - place.row, n: count, stride: pixels)
  }
}

extension ConvolutionShape {
  /// Whether input planes can be the rows the kernels read: a 1x1 convolution without stride or
  /// padding, whose planes keep every row aligned to cache lines.
  fileprivate var readsPlanesInPlace: Bool {
    positions == 1 && inputPlane == outputPlane && outputPlane % 16 == 0
      && geometry.stride_h == 1 && geometry.stride_w == 1
  }
}

/// The sparse weight of each group; nil where any group is better off dense.
private func groupMatrices(
  _ p: Preparation, _ shape: ConvolutionShape
) throws(RuntimeError) -> [SparseMatrix]? {
  let tensor = try p.constantWeight(1)
  let width = shape.readsPlanesInPlace ? shape.outputPlane : SparseMatrix.tileWidth
  return tensor.withElements(of: Float.self) { all -> [SparseMatrix]? in
    guard let base = all.baseAddress else { return nil }
    var result: [SparseMatrix] = []
    for group in 0..<shape.groups {
      let weights = base + group * shape.outputs * shape.k
      guard
        let kind = SparsityChoice.kind(
          weights, rows: shape.outputs, inputs: shape.inputs, positions: shape.positions)
      else { return nil }
      result.append(
        p.weights.sparse(WeightCache.Key(tensor, layout: .tile, group: group, width: width)) {
          SparseMatrix(
            weights, rows: shape.outputs, inputs: shape.inputs, positions: shape.positions,
            kind: kind, width: width)
        })
    }
    // Tasks are cut alike for every group.
    guard let kind = result.first?.kind, result.allSatisfy({ $0.kind == kind }) else { return nil }
    return result
  }
}
