import CKernels
import SparrowCore

extension Conv {
  /// Chooses depthwise, sparse or dense; gathered where there are three dimensions.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, weight) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, weight.dtype == .float32 else {
      return p.referenceStep(.conv(self))
    }
    if p.gates != nil { return try gatedConvolution(&p, self) }
    if x.shape.count > 4 { return try gatheredConvolution(&p, self) }
    let shape = try ConvolutionShape(p, window: window, group: group)
    let operands = try ConvolutionOperands(&p)
    let isDepthwise = shape.inputs == 1 && shape.groups > 1
    if isDepthwise {
      return try depthwiseConvolution(&p, shape, operands, activation)
    }
    if weight.constant != nil || weight.mask != nil,
      let step = try sparseConvolution(&p, shape, operands, activation)
    {
      return step
    }
    return try denseConvolution(&p, shape, operands, activation)
  }

  /// Whether a sparse kernel multiplies by the weight.
  func runsSparse(_ p: inout Preparation) throws(RuntimeError) -> Bool {
    let weight = try p.input(1)
    guard weight.constant != nil || weight.mask != nil else { return false }
    let shape = try ConvolutionShape(p, window: window, group: group)
    return try sparseConvolution(&p, shape, try ConvolutionOperands(&p), activation) != nil
  }
}

/// Where a convolution's operands are.
struct ConvolutionOperands {
  let x: Slot
  let y: Slot
  let bias: Slot?
  let addend: Slot?

  init(_ p: inout Preparation) throws(RuntimeError) {
    (x, y) = (p.slot(try p.input(0)), p.slot(p.outputs[0]))
    (bias, addend) = (p.optional(2).map { p.slot($0) }, p.optional(3).map { p.slot($0) })
  }

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

/// How the output of a convolution is cut into tasks: pixel tiles of every image and group. Where they
/// do not go evenly into the workers' shares, the tiles that two shares meet in are cut by output
/// channels; more pieces than that would each gather their tile's input again.
///
/// ```
/// 3 tiles, 2 workers     | tile 0 | tile 1, first half || tile 1, second half | tile 2 |
/// ```
struct ConvolutionTasks {
  struct Place {
    let image: Int
    let group: Int
    let tile: Int
    /// Output channels of the group.
    let rows: Range<Int>
  }

  private let places: [Place]

  var count: Int { places.count }

  init(_ shape: ConvolutionShape, tiles: Int, rowGranularity: Int, threads: Int) {
    let units = shape.batch * shape.groups * max(1, tiles)
    let granules = max(1, shape.outputs.dividedUp(by: rowGranularity))
    let (total, workers) = (units * granules, max(1, threads))
    var places: [Place] = []
    places.reserveCapacity(units + workers)
    var next = 0
    for worker in 0..<workers {
      let end = total * (worker + 1) / workers
      while next < end {
        let (unit, granule) = next.quotientAndRemainder(dividingBy: granules)
        let stop = min(granules, granule + end - next)
        let plane = unit / max(1, tiles)
        places.append(
          Place(
            image: plane / shape.groups, group: plane % shape.groups, tile: unit % max(1, tiles),
            rows: granule * rowGranularity..<min(shape.outputs, stop * rowGranularity)))
        next += stop - granule
      }
    }
    self.places = places
  }

  @inline(__always)
  func place(_ task: Int) -> Place { places[task] }
}
