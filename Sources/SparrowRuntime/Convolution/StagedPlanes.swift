import CKernels
import SparrowCore

/// The planes a sparse convolution reads, in which the output's pixels lie as in the output itself: the
/// input of a kernel position is then one contiguous run of a plane for all output pixels, shifted by
/// the position, without the pixels that `Windows` masks out.
///
/// ```
/// input     the input's own planes: no stride, lines as long as the output's
/// phases    [channel][phase y][phase x][line][x]: the pixels of each remainder modulo the stride
/// columns   [kernel column][channel][phase y][line][x]: what each kernel column reads; lines of any length
/// ```
struct StagedPlanes {
  private enum Layout {
    case input
    case phases
    case columns
  }

  /// Floats from one plane to the next.
  let plane: Int
  private let layout: Layout
  private let phases: (y: Int, x: Int)
  private let lines: Int
  private let shape: ConvolutionShape

  init(_ shape: ConvolutionShape) {
    self.shape = shape
    let g = shape.geometry
    let phasesY = StagedPlanes.phases(
      stride: Int(g.stride_h), pad: Int(g.pad_top),
      reach: (Int(g.kernel_h) - 1) * Int(g.dilation_h))
    let phasesX = StagedPlanes.phases(
      stride: Int(g.stride_w), pad: Int(g.pad_left),
      reach: (Int(g.kernel_w) - 1) * Int(g.dilation_w))
    let (width, height) = (Int(g.width), Int(g.height))
    lines = height.dividedUp(by: Int(g.stride_h))
    if g.stride_h == 1, g.stride_w == 1, width == g.out_width {
      (layout, phases, plane) = (.input, (1, 1), shape.inputPlane)
      return
    }
    if width.dividedUp(by: Int(g.stride_w)) <= Int(g.out_width) {
      (layout, phases) = (.phases, (phasesY, phasesX))
    } else {
      (layout, phases) = (.columns, (phasesY, 1))
    }
    // Not whole pages, where all planes would meet in the same cache sets.
    let floats = lines * Int(g.out_width)
    plane = floats % 1024 == 0 ? floats + 16 : floats
  }

  /// Remainders modulo `stride` that a kernel's positions have, as a range from 0.
  private static func phases(stride: Int, pad: Int, reach: Int) -> Int {
    pad % stride == 0 ? min(stride, reach + 1) : stride
  }

  /// Whether the input's own planes are what is read.
  var isInput: Bool { layout == .input }
  private var planesPerChannel: Int { phases.y * phases.x }
  private var copies: Int { layout == .columns ? Int(shape.geometry.kernel_w) : 1 }
  /// Floats of one kernel column's planes.
  private var copyFloats: Int { shape.inputs * planesPerChannel * plane }
  /// Floats of one image's group of channels.
  var floats: Int { copies * copyFloats }

  /// Whether planes and masks are not far larger than the input and output, as large steps and large
  /// kernels make them.
  var isWorthwhile: Bool {
    let activations = shape.inputs * shape.inputPlane + shape.outputs * shape.outputPlane
    return copies * planesPerChannel * plane <= 16 * (shape.inputPlane + shape.outputPlane) + 4096
      && shape.positions * shape.outputPlane / 32 <= 4 * activations + 262_144
  }

  /// Where the rows of the product are in these planes.
  func windows() -> Windows {
    let g = shape.geometry
    let windows = Windows(
      positions: shape.positions, plane: planesPerChannel * plane, columns: shape.outputPlane)
    for ky in 0..<Int(g.kernel_h) {
      let y = Place(
        offset: ky * Int(g.dilation_h) - Int(g.pad_top), stride: Int(g.stride_h),
        inputs: Int(g.height), outputs: Int(g.out_height))
      for kx in 0..<Int(g.kernel_w) {
        var x = Place(
          offset: kx * Int(g.dilation_w) - Int(g.pad_left), stride: Int(g.stride_w),
          inputs: Int(g.width), outputs: Int(g.out_width))
        var start = 0
        if layout == .columns {
          // The copy has zeros where the image ends.
          (x, start) = (Place(outputs: Int(g.out_width)), kx * copyFloats)
        }
        windows.set(
          ky * Int(g.kernel_w) + kx, width: Int(g.out_width), rows: y.inside, columns: x.inside,
          shift: start + (y.phase * phases.x + x.phase) * plane + y.shift * Int(g.out_width)
            + x.shift)
      }
    }
    return windows
  }

  /// One axis of a kernel position.
  private struct Place {
    /// Output coordinate o reads coordinate o + shift of this phase.
    let phase: Int
    let shift: Int
    /// The outputs that read inside the image.
    let inside: Range<Int>

    init(offset: Int, stride: Int, inputs: Int, outputs: Int) {
      let remainder = offset % stride
      phase = remainder < 0 ? remainder + stride : remainder
      shift = (offset - phase) / stride
      let first = min(outputs, max(0, -shift))
      let end = max(0, inputs - phase).dividedUp(by: stride) - shift
      inside = first..<max(first, min(outputs, end))
    }

    /// A copy made for the position.
    init(outputs: Int) { (phase, shift, inside) = (0, 0, 0..<outputs) }
  }

  /// Stages channels `first ..< last` of one image's group.
  func stage(
    _ kernels: UnsafePointer<sp_kernel_table>, _ input: UnsafePointer<Float>, first: Int, last: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    var geometry = shape.geometry
    geometry.channels = last - first
    geometry.pad_top = 0
    var split = sp_split(
      phases_h: phases.y, phases_w: phases.x, lines: lines, line: Int(geometry.out_width),
      plane: plane)
    for copy in 0..<copies {
      geometry.pad_left =
        layout == .columns ? shape.geometry.pad_left - copy * shape.geometry.dilation_w : 0
      kernels.pointee.f32_split(
        &geometry, input + first * shape.inputPlane, 0, &split,
        target + copy * copyFloats + first * planesPerChannel * plane)
    }
  }
}
