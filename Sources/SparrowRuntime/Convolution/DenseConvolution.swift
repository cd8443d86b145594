import CKernels
import SparrowCore

/// Convolution with weights in panels: the kernels multiply input pixels where they lie, in the input's
/// own planes (1x1) or in a padded copy of the rows that a task needs.
///
/// Workers share out blocks of pixels, and output channels where there are too few of those. Every
/// sum adds its products in the order of the reduction, however the work is cut.
func denseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation
) throws(RuntimeError) -> Step {
  let tiling = try DenseTiling(shape, p)
  let copies = p.scratch(bytes: p.threads * tiling.input.copyFloats * 4)
  let sums = p.scratch(bytes: p.threads * tiling.sumFloats * 4)
  let weights = try WeightPanels(
    &p, tiling.kind.side, groups: shape.groups, rows: shape.outputs, k: shape.k,
    source: WeightStrides(group: shape.outputs * shape.k, row: shape.k, k: 1))
  let product = DenseConvolution(
    shape: shape, operands: operands, tiling: tiling, weights: weights,
    fused: FusedActivation(activation), kernels: p.kernels)
  let packing = weights.phases.count
  return Step(
    phases: weights.phases + [tiling.tasks.count], kernel: tiling.kind.name,
    multiplyAdds: shape.multiplyAdds, inPlaceInput: operands.inPlaceInput
  ) { work in
    if work.phase < packing { return weights.pack(work) }
    product.run(
      work, copy: work.floats(copies) + work.worker * tiling.input.copyFloats,
      sums: work.floats(sums) + work.worker * tiling.sumFloats)
  }
}

/// Which kernel computes a dense convolution.
enum DenseKind {
  /// Channels by vectors of pixels.
  case rows
  /// Pixels by vectors of channels.
  case columns

  var name: String {
    switch self {
    case .rows: "f32_conv_rows"
    case .columns: "f32_conv_columns"
    }
  }

  var side: WeightPanels.Side {
    switch self {
    case .rows: .rows
    case .columns: .columns
    }
  }

  /// Output channels of a panel of weights.
  func panelRows(_ kernels: sp_kernel_table) -> Int {
    switch self {
    case .rows: Int(kernels.gemm_mr)
    case .columns: Int(kernels.gemm_nr)
    }
  }

  /// The one with fewer multiply-adds on padding and less work to store. Rows read all weights for
  /// every tile of pixels, so that these must stay in L2.
  init(_ shape: ConvolutionShape, _ kernels: sp_kernel_table, isInPlace: Bool) {
    let (vector, mr, nr) = (
      Int(kernels.vector_floats), Int(kernels.gemm_mr), Int(kernels.gemm_nr)
    )
    let rows = isInPlace ? 1 : Int(shape.geometry.out_height)
    let width = isInPlace ? shape.outputPlane : Int(shape.geometry.out_width)
    let asRows = rows * width.dividedUp(by: vector) * shape.outputs * (shape.k + 8)
    // Turning a vector's square costs about as much as a multiply-add for each of its elements.
    let tile = width * shape.k + width.dividedUp(by: mr) * vector * vector
    let asColumns = rows * shape.outputs.dividedUp(by: nr) * (nr / vector) * tile
    self = shape.k * shape.outputs <= 131_072 && asRows <= asColumns ? .rows : .columns
  }
}

/// How a dense convolution is cut: blocks of pixels whose input stays in L2.
struct DenseTiling {
  let kind: DenseKind
  let input: DirectInput
  /// Steps of the reduction whose weights fit L1, for ``DenseKind/columns``.
  let reductionBlock: Int
  let tasks: ConvolutionTasks
  let sumFloats: Int

  private static var blockBytes: Int { 1 << 20 }

  init(_ shape: ConvolutionShape, _ p: Preparation) throws(RuntimeError) {
    let kernels = p.kernels.pointee
    let (mr, nr) = (Int(kernels.gemm_mr), Int(kernels.gemm_nr))
    let isInPlace = shape.isPointwise
    kind = DenseKind(shape, kernels, isInPlace: isInPlace)
    // Rows of pixels, or tiles of them in place.
    let granularity = kind == .rows ? nr : mr
    let units =
      isInPlace
      ? shape.outputPlane.dividedUp(by: granularity) : Int(shape.geometry.out_height)
    let bytes = shape.inputs * (isInPlace ? shape.outputPlane : shape.inputPlane) * 4
    let forCache = kind == .rows && isInPlace ? 1 : bytes.dividedUp(by: DenseTiling.blockBytes)
    let planes = max(1, shape.batch * shape.groups)
    let forThreads = p.threads == 1 ? 1 : min(units / 7, (2 * p.threads).dividedUp(by: planes))
    let blocks = max(1, min(units, max(forCache, forThreads)))
    let blockUnits = units.dividedUp(by: blocks)
    input = try DirectInput(
      shape, p, rows: blockUnits, pixels: blockUnits * granularity, isInPlace: isInPlace)
    tasks = ConvolutionTasks(
      shape, tiles: units.dividedUp(by: max(1, blockUnits)),
      rowGranularity: kind.panelRows(kernels), threads: p.threads)
    reductionBlock = max(1, 8192 / nr)
    let tiles = isInPlace ? input.pixels.dividedUp(by: mr) : input.rows * input.columnTiles(mr)
    let kept = shape.k > reductionBlock ? tiles : 1
    sumFloats = kind == .rows ? 0 : (kept * mr + Int(kernels.vector_floats)) * nr
  }
}

/// The tasks of a dense convolution.
private struct DenseConvolution: @unchecked Sendable {
  let shape: ConvolutionShape
  let operands: ConvolutionOperands
  let tiling: DenseTiling
  let weights: WeightPanels
  let fused: FusedActivation
  let kernels: UnsafePointer<sp_kernel_table>

  func run(
    _ work: borrowing Work, copy: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>
  ) {
    let place = tiling.tasks.place(work.task)
    let plane = place.image * shape.groups + place.group
    let (input, pixels) = (tiling.input, shape.outputPlane)
    let (row, channels) = (place.rows.lowerBound, place.rows.count)
    let block = input.block(place.tile)
    let x = work.floats(operands.x) + plane * shape.inputs * shape.inputPlane
    if !input.isInPlace {
      input.copy(kernels, shape.geometry, x, from: block, to: copy)
    }
    let start = (plane * shape.outputs + row) * pixels + block.firstPixel
    let y = work.floats(operands.y) + start
    var epilogue = fused.epilogue(accumulate: false, last: true)
    operands.extend(
      &epilogue, work, channel: place.group * shape.outputs + row, offset: start,
      stride: pixels)
    var convolution = sp_direct_conv(
      x: input.isInPlace ? x + block.firstPixel : copy, offsets: input.offsets,
      weights: weights.panels(group: place.group, work) + row * shape.k, y: y, k: shape.k,
      outputs: channels, rows: block.rows, columns: block.columns, row: input.row,
      out_row: block.columns, out_column: 1, out_plane: pixels)
    switch tiling.kind {
    case .rows: kernels.pointee.f32_conv_rows(&convolution, &epilogue)
    case .columns:
      kernels.pointee.f32_conv_columns(&convolution, tiling.reductionBlock, sums, &epilogue)
    }
    fused.finish(kernels, y, rows: channels, n: block.rows * block.columns, stride: pixels)
  }
}
