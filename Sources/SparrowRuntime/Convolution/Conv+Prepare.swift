import CKernels
import SparrowCore

extension Conv {
  /// Chooses depthwise, sparse or dense.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let shape = try ConvolutionShape(p, window: window, group: group)
    let operands = ConvolutionOperands(
      x: p.slot(try p.input(0)), y: p.slot(p.outputs[0]),
      bias: p.optional(2).map { p.slot($0) }, addend: p.optional(3).map { p.slot($0) })
    let isDepthwise = shape.inputs == 1 && shape.groups > 1
    if isDepthwise {
      return try depthwiseConvolution(&p, shape, operands, activation)
    }
    if let step = try sparseConvolution(&p, shape, operands, activation) { return step }
    return try denseConvolution(&p, shape, operands, activation)
  }
}

/// Where a convolution's operands are.
struct ConvolutionOperands {
  let x: Slot
  let y: Slot
  let bias: Slot?
  let addend: Slot?

  /// The sums may replace the addend: each is read where, and when, its result is written.
  var inPlaceInput: Int? { addend.map { _ in 3 } }

  /// Bias and addend of the output tile that starts at `offset` floats, of channel `channel`.
  @inline(__always)
  func extend(
    _ epilogue: inout sp_epilogue, _ work: borrowing Work, channel: Int, offset: Int, stride: Int
  ) {
    if let bias { epilogue.row_bias = UnsafePointer(work.floats(bias) + channel) }
    if let addend {
      epilogue.residual = UnsafePointer(work.floats(addend) + offset)
      epilogue.residual_stride = stride
    }
  }
}

/// How the output of a convolution is cut into tasks: pixel tiles of every image and group, and
/// chunks of output channels where there are too few pixels to share.
struct ConvolutionTasks {
  let tiles: Int
  let chunks: Int
  let chunkRows: Int
  let count: Int
  private let groups: Int

  init(_ shape: ConvolutionShape, tiles: Int, rowGranularity: Int, threads: Int) {
    self.tiles = max(1, tiles)
    groups = shape.groups
    let planes = shape.batch * shape.groups * max(1, tiles)
    // Enough for workers of unequal speed; each chunk gathers its tile's input again.
    let wanted = threads == 1 ? 1 : (4 * threads + planes - 1) / planes
    let granules = (shape.outputs + rowGranularity - 1) / rowGranularity
    let perChunk = max(1, (granules + wanted - 1) / wanted)
    chunkRows = perChunk * rowGranularity
    chunks = max(1, (granules + perChunk - 1) / perChunk)
    count = planes * chunks
  }

  struct Place {
    let image: Int
    let group: Int
    let tile: Int
    let row: Int
  }

  @inline(__always)
  func place(_ task: Int) -> Place {
    let chunk = task % chunks
    let tile = task / chunks % tiles
    let plane = task / chunks / tiles
    return Place(
      image: plane / groups, group: plane % groups, tile: tile, row: chunk * chunkRows)
  }
}
