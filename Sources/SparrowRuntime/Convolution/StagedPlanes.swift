import CKernels
import SparrowCore

/// Where a sparse convolution reads its input: planes with the padding written out and the strides
/// taken apart, so that the input row of every (channel, kernel position) is one contiguous run for
/// all output pixels, `line` elements for each line of output.
///
/// ```
/// plane (channel, phase y, phase x), line Y, column X:
///   input[channel][Y * stride + phase y - padTop][X * stride + phase x - padLeft], 0 outside
/// kernel position (ky, kx) of output pixel (y, x):
///   phase (ky * dilation) mod stride, line y + (ky * dilation) / stride, columns alike
/// ```
///
/// Without strides, a line's right padding is the next line's left padding.
struct StagedPlanes {
  /// Floats from one output line to the next, and of a plane.
  let line: Int
  let plane: Int
  /// Columns of the product: the output's lines one after the other.
  let columns: Int
  /// Whether the input's own planes are what is read.
  let isInput: Bool
  private let lines: Int
  private let phases: (y: Int, x: Int)
  private let shape: ConvolutionShape

  init(_ shape: ConvolutionShape) {
    self.shape = shape
    let g = shape.geometry
    let reach = (
      y: (Int(g.kernel_h) - 1) * Int(g.dilation_h), x: (Int(g.kernel_w) - 1) * Int(g.dilation_w)
    )
    phases = (min(Int(g.stride_h), reach.y + 1), min(Int(g.stride_w), reach.x + 1))
    let (height, width) = (Int(g.out_height), Int(g.out_width))
    isInput = shape.isPointwise
    if isInput {
      (line, lines, columns, plane) = (width, height, height * width, height * width)
      return
    }
    let beyond = reach.x / Int(g.stride_w)
    let padRight = width - 1 + reach.x + 1 - Int(g.width) - Int(g.pad_left)
    line =
      g.stride_w == 1
      ? max(width, Int(g.width) + max(Int(g.pad_left), padRight)) : width + beyond
    lines = height + reach.y / Int(g.stride_h)
    columns = (height - 1) * line + width
    // Whole cache lines; not whole pages, where all planes would meet in the same cache sets.
    let floats = (lines * line + beyond + 15) / 16 * 16
    plane = floats % 1024 == 0 ? floats + 16 : floats
  }

  /// Planes of one input channel.
  private var perChannel: Int { isInput ? 1 : phases.y * phases.x }
  /// Floats of one image's group of channels.
  var floats: Int { shape.inputs * perChannel * plane }

  /// Whether the planes are not far larger than the input and output, as steps that skip nearly all
  /// of the input make them, and 32 bits reach all of a group's.
  var isWorthwhile: Bool {
    let floats = perChannel * plane
    return floats <= 16 * (shape.inputPlane + shape.outputPlane) + 4096
      && floats * shape.inputs <= Int(UInt32.max)
  }

  /// Where each column of the weight (input, ky, kx) starts, in floats.
  func offsets() -> Region {
    let g = shape.geometry
    let region = Region(count: max(1, shape.k) * 4)
    let result = region.base.bindMemory(to: UInt32.self, capacity: max(1, shape.k))
    var next = 0
    for channel in 0..<shape.inputs {
      for ky in 0..<Int(g.kernel_h) {
        let (lineOffset, phaseY) = (ky * Int(g.dilation_h)).quotientAndRemainder(
          dividingBy: Int(g.stride_h))
        for kx in 0..<Int(g.kernel_w) {
          let (shift, phaseX) = (kx * Int(g.dilation_w)).quotientAndRemainder(
            dividingBy: Int(g.stride_w))
          let index = channel * perChannel + (isInput ? 0 : phaseY * phases.x + phaseX)
          result[next] = UInt32(
            truncatingIfNeeded: index * plane + (isInput ? 0 : lineOffset * line + shift))
          next += 1
        }
      }
    }
    return region
  }

  /// Stages channels `first ..< last` of one image's group.
  func stage(
    _ kernels: UnsafePointer<sp_kernel_table>, _ input: UnsafePointer<Float>, first: Int, last: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    var geometry = shape.geometry
    geometry.channels = last - first
    var layout = sp_split(lines: lines, line: line, plane: plane)
    kernels.pointee.f32_split(
      &geometry, input + first * shape.inputPlane, 0, &layout, target + first * perChannel * plane)
  }

  /// Output pixels among the product's first `columns` columns.
  func pixels(before columns: Int) -> Int {
    let width = Int(shape.geometry.out_width)
    let (lines, rest) = columns.quotientAndRemainder(dividingBy: line)
    return lines * width + min(rest, width)
  }

  /// Which lanes of each vector of columns are output pixels; nil where all are.
  func runs(lanes: Int) -> OutputRuns? {
    let width = Int(shape.geometry.out_width)
    return line == width
      ? nil : OutputRuns(columns: columns, line: line, width: width, lanes: lanes)
  }
}

/// Where the lanes of each vector of a product's columns belong in a plane of output, when its lines
/// are `line` columns apart and only the first `width` of each are pixels.
final class OutputRuns: @unchecked Sendable {
  let runs: UnsafeMutablePointer<sp_run>
  /// The first run of each vector, and the end.
  let starts: UnsafeMutablePointer<UInt32>
  private let regions: (Region, Region)

  init(columns: Int, line: Int, width: Int, lanes: Int) {
    let vectors = (columns + lanes - 1) / lanes
    let limit = vectors + columns / line + 1
    regions = (
      Region(count: limit * MemoryLayout<sp_run>.stride), Region(count: (vectors + 1) * 4)
    )
    runs = regions.0.base.bindMemory(to: sp_run.self, capacity: limit)
    starts = regions.1.base.bindMemory(to: UInt32.self, capacity: vectors + 1)
    var count = 0
    for vector in 0..<vectors {
      starts[vector] = UInt32(truncatingIfNeeded: count)
      var lane = 0
      while lane < lanes {
        let (y, x) = (vector * lanes + lane).quotientAndRemainder(dividingBy: line)
        guard vector * lanes + lane < columns else { break }
        if x >= width {
          lane += line - x
          continue
        }
        let end = min(lanes, lane + width - x)
        runs[count] = sp_run(
          target: Int32(truncatingIfNeeded: y * width + x - lane),
          lo: UInt8(truncatingIfNeeded: lane), hi: UInt8(truncatingIfNeeded: end),
          mask: UInt16(truncatingIfNeeded: (1 << end) - (1 << lane)))
        count += 1
        lane = end
      }
    }
    starts[vectors] = UInt32(truncatingIfNeeded: count)
  }
}
