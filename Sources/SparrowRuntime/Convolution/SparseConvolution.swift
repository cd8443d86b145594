import CKernels
import SparrowCore

/// Convolution with a sparse weight, constant or computed under a constant mask: every stored weight multiplies one row of input pixels by
/// itself and adds it to a row of output pixels. nil where the weight is not sparse enough to win.
///
/// ```
/// phase 0   gather the weight's values                           (where it is computed)
/// phase 1   stage: strides taken apart                           (nothing without strides)
/// phase 2   per tile of output pixels and chunk of output channels:
///             per block of the reduction: gather the tile's input rows into L1, pass the weights over it
/// ```
func sparseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step? {
  guard p.kernel != .dense else { return nil }
  let staged = StagedPlanes(shape)
  guard staged.isWorthwhile else { return nil }
  let windows = staged.windows()
  guard let matrices = try groupMatrices(p, shape, staged, windows) else { return nil }
  let weight = try p.input(1)
  let values = weight.constant == nil ? MaskedValues(&p, weight, matrices) : nil
  let convolution = SparseConvolution(
    &p, shape, operands, activation, matrices, values, staged, windows)
  return convolution.step(&p)
}

private struct SparseConvolution {
  let kernels: UnsafePointer<sp_kernel_table>
  let shape: ConvolutionShape
  let operands: ConvolutionOperands
  let fused: FusedActivation
  let matrices: [SparseMatrix]
  /// The values of a computed weight.
  let values: MaskedValues?
  let staged: StagedPlanes
  let tiling: SparseTiling
  let tasks: ConvolutionTasks
  let windows: Windows
  let stagedSlot: Slot
  let scratch: Slot
  /// Floats of one worker's packed tile, and of its sums.
  let tileFloats: Int
  let sumFloats: Int
  let chunks: RowChunks

  init(
    _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
    _ activation: Activation, _ matrices: [SparseMatrix], _ values: MaskedValues?,
    _ staged: StagedPlanes, _ windows: Windows
  ) {
    (self.shape, self.operands, self.matrices) = (shape, operands, matrices)
    (self.values, self.staged, self.windows) = (values, staged, windows)
    kernels = p.kernels
    fused = FusedActivation(activation)
    tiling = matrices[0].tiling
    tasks = ConvolutionTasks(
      shape, tiles: tiling.tiles, rowGranularity: matrices[0].segmentRows, threads: p.threads)
    chunks = RowChunks(rows: shape.outputs, matrices[0])
    tileFloats = tiling.isInPlace ? 0 : chunks.tileRows * tiling.width
    sumFloats = tiling.blocks.count == 1 ? 0 : chunks.rows * tiling.width
    stagedSlot =
      staged.isInput
      ? operands.x : p.scratch(bytes: shape.batch * shape.groups * staged.floats * 4)
    scratch = p.scratch(bytes: p.threads * (tileFloats + sumFloats) * 4)
  }

  func step(_ p: inout Preparation) -> Step {
    let multiplyAdds =
      [shape.batch, shape.outputPlane, matrices.reduce(0) { $0 + $1.nonzeros }].clampedProduct
    let images = shape.batch * shape.groups
    let staging = p.tasks(work: images * staged.floats, limit: shape.inputs)
    let name = matrices[0].kernelName + (tiling.isInPlace ? " (in place)" : "")
    let gathering = values.map { [$0.tasks] } ?? []
    let preparing = gathering + (staged.isInput ? [] : [images * staging])
    return Step(
      phases: preparing + [tasks.count], kernel: name, multiplyAdds: multiplyAdds,
      inPlaceInput: operands.inPlaceInput
    ) { work in
      if work.phase == preparing.count { return multiply(work) }
      if let values, work.phase == 0 { return values.gather(work) }
      let (image, part) = work.task.quotientAndRemainder(dividingBy: staging)
      staged.stage(
        kernels, work.floats(operands.x) + image * shape.inputs * shape.inputPlane,
        first: shape.inputs * part / staging, last: shape.inputs * (part + 1) / staging,
        to: work.floats(stagedSlot) + image * staged.floats)
    }
  }

  /// One tile of output pixels, for the task's output channels.
  @inline(__always)
  private func multiply(_ work: borrowing Work) {
    let place = tasks.place(work.task)
    let matrix = matrices[place.group]
    let image = place.image * shape.groups + place.group
    let (column, n) = tiling.columns(place.tile, of: shape.outputPlane)
    let source = UnsafePointer(work.floats(stagedSlot) + image * staged.floats)
    var rows = windows.kernelArgument
    let tile = work.floats(scratch) + work.worker * (tileFloats + sumFloats)
    let sums = tile + tileFloats
    let end = place.rows.upperBound
    var first = place.rows.lowerBound
    while first < end {
      let last = min(end, first + chunks.rows)
      for block in 0..<tiling.blocks.count {
        let range = tiling.blocks.range(block)
        let packed = tile + (chunks.keepsTile ? range.start * tiling.width : 0)
        var input = UnsafePointer(packed)
        if tiling.isInPlace {
          input = source + column + range.start * tiling.rowLines * 16
        } else if first == place.rows.lowerBound || !chunks.keepsTile {
          kernels.pointee.f32_gather_windows(
            &rows, source, range.start, range.end, column, n, packed, tiling.width)
        }
        var product = matrix.product(
          block: block, begin: first, end: last, tile: input, n: n,
          values: values?.pointer(place.group, work))
        product.sums = sums - first * tiling.width
        product.sums_stride = tiling.width
        finish(
          work, &product, matrix, image: image, column: column, group: place.group, block: block)
      }
      first = last
    }
    finishActivation(work, image: image, rows: place.rows, column: column, n: n)
  }

  /// Says where the results belong, and multiplies.
  @inline(__always)
  private func finish(
    _ work: borrowing Work, _ product: inout sp_sparse_product, _ matrix: SparseMatrix,
    image: Int, column: Int, group: Int, block: Int
  ) {
    var epilogue = fused.epilogue(
      accumulate: block > 0, last: block == tiling.blocks.count - 1)
    let offset = image * shape.outputs * shape.outputPlane + column
    product.c = work.floats(operands.y) + offset
    product.ldc = shape.outputPlane
    operands.extend(
      &epilogue, work, channel: group * shape.outputs, offset: offset, stride: shape.outputPlane)
    matrix.multiply(kernels, &product, &epilogue)
  }

  /// Applies an activation that is no clamp to the pixels of a finished tile.
  @inline(__always)
  private func finishActivation(
    _ work: borrowing Work, image: Int, rows: Range<Int>, column: Int, n: Int
  ) {
    let plane = shape.outputPlane
    fused.finish(
      kernels, work.floats(operands.y) + (image * shape.outputs + rows.lowerBound) * plane + column,
      rows: rows.count, n: n, stride: plane)
  }
}

/// The rows of a task in chunks whose sums stay in L2 between the blocks. When there are several, the
/// tile of the whole reduction is packed once.
struct RowChunks {
  let rows: Int
  let keepsTile: Bool
  /// Rows of the packed tile.
  let tileRows: Int

  init(rows: Int, _ matrix: SparseMatrix) {
    let tiling = matrix.tiling
    let segment = matrix.segmentRows
    let limit = max(segment, 131_072 / (tiling.width * 4) / segment * segment)
    self.rows = tiling.blocks.count == 1 ? rows : min(rows, limit)
    keepsTile = self.rows < rows
    tileRows = keepsTile ? tiling.blocks.k : tiling.blocks.length
  }
}

/// The sparse weight of each group; nil where any group is better off dense.
private func groupMatrices(
  _ p: Preparation, _ shape: ConvolutionShape, _ staged: StagedPlanes, _ windows: Windows
) throws(RuntimeError) -> [SparseMatrix]? {
  // Input rows that begin at cache lines are read where they are.
  let isAligned = windows.isPlain && staged.plane % 16 == 0 && staged.plane / 16 * 4 <= 65_535
  let planeLines = isAligned ? staged.plane / 16 : nil
  let weight = try p.input(1)
  guard let tensor = weight.constant ?? weight.mask else {
    throw p.unsupported("input 1, the weight, must be constant or masked")
  }
  var result: [SparseMatrix] = []
  for group in 0..<shape.groups {
    let key = WeightCache.Key(
      tensor, layout: .sparse, rows: shape.outputs, k: shape.k, group: group,
      columns: shape.outputPlane, plane: staged.plane)
    let first = result.first
    let known = p.weights.sparse(key) {
      groupMatrix(p, tensor, group, shape, planeLines: planeLines, like: first)
    }
    guard let matrix = known else { return nil }
    // Tasks are cut alike for every group.
    guard first.map({ $0.kind == matrix.kind && $0.tiling == matrix.tiling }) ?? true else {
      return nil
    }
    result.append(matrix)
  }
  return result
}

/// With the tiling of the first group, `first`, where there is one.
private func groupMatrix(
  _ p: Preparation, _ tensor: Tensor, _ group: Int, _ shape: ConvolutionShape,
  planeLines: Int?, like first: SparseMatrix?
) -> SparseMatrix? {
  let elements = tensor.dtype == .bool ? SparseMatrix.sources(of: tensor) : tensor
  let weights = WeightNonzeros(
    p.kernels, elements, first: group * shape.outputs * shape.k, rows: shape.outputs,
    columns: shape.k)
  let choice = SparsityChoice(
    weights, inputs: shape.inputs, positions: shape.positions, columns: shape.outputPlane,
    forced: p.kernel)
  p.weights.note(choice, of: p)
  guard let kind = choice.kind, first.map({ $0.kind == kind }) ?? true else { return nil }
  let tiling =
    first?.tiling
    ?? SparseTiling(
      p.kernels, rows: shape.outputs, columns: shape.outputPlane, k: shape.k,
      entries: choice.entries, kind: kind, multiple: kind == .block1x4 ? 4 * shape.positions : 1,
      planeLines: planeLines)
  return SparseMatrix(weights, positions: shape.positions, kind: kind, tiling: tiling)
}
