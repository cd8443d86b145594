import CKernels
import SparrowCore

/// Convolution with a sparse weight: every stored weight multiplies one row of input pixels by
/// itself and adds it to a row of output pixels. nil where the weight is not sparse enough to win.
///
/// Where the rows of input pixels come from depends on the shape: from the input itself, from
/// shifted copies of its planes, or from tiles of packed windows.
func sparseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step? {
  guard !p.weights.forcesDense else { return nil }
  let source: SparseInput =
    shape.readsPlanesInPlace
    ? .planes : ShiftedPlanes(shape).map { .shifted($0) } ?? .windows
  guard let matrices = try groupMatrices(p, shape, source) else { return nil }
  switch source {
  case .planes, .windows:
    return tiledSparseConvolution(&p, shape, operands, activation, matrices, source)
  case .shifted(let planes):
    return shiftedSparseConvolution(&p, shape, operands, activation, matrices, planes)
  }
}

/// What the rows of a sparse convolution's input are.
enum SparseInput {
  /// The input's own planes, of a 1x1 convolution.
  case planes
  /// One copy of each plane for each column of the kernel.
  case shifted(ShiftedPlanes)
  /// Per tile of output pixels, the input windows of a block of the reduction.
  case windows

  func rows(_ shape: ConvolutionShape) -> InputRows {
    let kernel = (Int(shape.geometry.kernel_h), Int(shape.geometry.kernel_w))
    return switch self {
    case .planes: InputRows(width: shape.outputPlane)
    case .shifted(let planes): planes.rows
    case .windows: InputRows(width: SparseMatrix.tileWidth, kernel: kernel)
    }
  }

  /// Blocks whose input of one tile is about 80 KiB, for packed or contiguous rows: smaller ones,
  /// that fit L1, cost more in loop ends and reloaded sums than the reads from L2 they save. Of
  /// shifted planes 40 KiB, which hold more entries a row, are best.
  func blocks(_ shape: ConvolutionShape, _ kind: SparseMatrix.Kind) -> ReductionBlocks {
    let quadruple = kind == .quads1x4 ? 4 * shape.positions : 1
    switch self {
    case .planes, .windows:
      return ReductionBlocks(shape.k, limit: max(256, quadruple), multiple: quadruple)
    case .shifted(let planes):
      let channels = max(4, 10_240 / planes.tileFloats)
      return ReductionBlocks(
        shape.k, limit: channels * shape.positions, multiple: max(quadruple, shape.positions))
    }
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
  _ p: Preparation, _ shape: ConvolutionShape, _ source: SparseInput
) throws(RuntimeError) -> [SparseMatrix]? {
  let tensor = try p.constantWeight(1)
  let rows = source.rows(shape)
  var result: [SparseMatrix] = []
  for group in 0..<shape.groups {
    let key = WeightCache.Key(tensor, layout: .sparse, group: group, rows: rows)
    let known = p.weights.sparse(key) {
      groupMatrix(tensor, group, shape, rows) { source.blocks(shape, $0) }
    }
    guard let matrix = known else { return nil }
    result.append(matrix)
  }
  // Tasks are cut alike for every group.
  guard let kind = result.first?.kind, result.allSatisfy({ $0.kind == kind }) else { return nil }
  return result
}

private func groupMatrix(
  _ tensor: Tensor, _ group: Int, _ shape: ConvolutionShape, _ rows: InputRows,
  blocks: (SparseMatrix.Kind) -> ReductionBlocks
) -> SparseMatrix? {
  tensor.withElements(of: Float.self) { all -> SparseMatrix? in
    guard let base = all.baseAddress else { return nil }
    let weights = base + group * shape.outputs * shape.k
    let kind = SparsityChoice.kind(
      weights, rows: shape.outputs, inputs: shape.inputs, positions: shape.positions)
    guard let kind else { return nil }
    return SparseMatrix(
      weights, rows: shape.outputs, inputs: shape.inputs, positions: shape.positions, kind: kind,
      input: rows, blocks: blocks(kind))
  }
}

/// Per tile of up to 80 output pixels: rows of the input's own planes, or windows packed block by
/// block into the worker's scratch memory.
private func tiledSparseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation, _ matrices: [SparseMatrix], _ source: SparseInput
) -> Step {
  let kernels = p.kernels
  let pixels = shape.outputPlane
  let first = matrices[0]
  let tasks = ConvolutionTasks(
    shape, tilePixels: SparseMatrix.tileColumns(pixels), rowGranularity: first.rowGranularity,
    threads: p.threads)
  var isInPlace = false
  if case .planes = source { isInPlace = true }
  let tileFloats = isInPlace ? 0 : first.blocks.length * SparseMatrix.tileWidth
  let scratch = p.scratch(bytes: p.threads * tileFloats * 4)
  let fused = FusedActivation(activation)

  return Step(
    tasks: tasks.count, kernel: first.kernelName,
    multiplyAdds: shape.batch * pixels * matrices.reduce(0) { $0 + $1.nonzeros }
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
    let packed = work.floats(scratch) + work.worker * tileFloats
    for block in 0..<matrix.blocks.count {
      let range = matrix.blocks.range(block)
      if !isInPlace {
        kernels.pointee.f32_im2col(
          &geometry, x, range.start, range.end, place.pixel, count, packed,
          SparseMatrix.tileWidth)
      }
      var epilogue = fused.epilogue(
        accumulate: block > 0, last: block == matrix.blocks.count - 1)
      operands.extend(
        &epilogue, work, channel: place.group * shape.outputs, offset: offset, stride: pixels)
      matrix.multiply(
        kernels, block: block, begin: place.row, end: lastRow,
        tile: isInPlace ? x + range.start * pixels + place.pixel : packed, n: count, c: y,
        stride: pixels, epilogue: &epilogue)
    }
    fused.finish(
      kernels, y + place.row * pixels, rows: lastRow - place.row, n: count, stride: pixels)
  }
}
