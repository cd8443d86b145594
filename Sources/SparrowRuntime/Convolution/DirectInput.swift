import CKernels
import SparrowCore

/// Where a dense convolution finds the input of its output pixels: step k of the reduction is
/// `offsets[k]` floats after a pixel's own address.
///
/// In place, a plane is one long row. Otherwise a task copies the input of its block of output rows,
/// padded and split by stride, so that neighbouring pixels are neighbours in memory:
///
/// ```
/// [input channel][row phase][column phase][lines][row]
/// ```
struct DirectInput: @unchecked Sendable {
  let isInPlace: Bool
  /// Output rows of a block; 1 in place.
  let rows: Int
  /// Output pixels of a block.
  let pixels: Int
  /// Floats from one output row's input to the next one's.
  let row: Int
  /// Floats of a block's copy, and its planes.
  let copyFloats: Int
  /// Floats from one input channel to the next.
  let channelFloats: Int
  private let layout: sp_split
  private let width: Int
  private let height: Int
  private let table: Region

  var offsets: UnsafePointer<Int32> {
    UnsafePointer(table.base.assumingMemoryBound(to: Int32.self))
  }

  /// Blocks of `rows` output rows, or in place of `pixels` pixels.
  init(
    _ shape: ConvolutionShape, _ p: Preparation, rows: Int, pixels: Int, isInPlace: Bool
  ) throws(RuntimeError) {
    let g = shape.geometry
    self.isInPlace = isInPlace
    let row = Int(g.out_width) + (Int(g.kernel_w) - 1) * Int(g.dilation_w) / Int(g.stride_w)
    let phases = Phases(g, rows: rows, row: row)
    let channel = isInPlace ? shape.inputPlane : phases.channel
    channelFloats = channel
    let (floats, overflows) = shape.inputs.multipliedReportingOverflow(by: channel)
    guard !overflows, floats <= Int(Int32.max) else {
      throw p.unsupported("convolutions of \(shape.inputs) planes of \(channel) floats")
    }
    if isInPlace {
      (self.rows, self.pixels, self.row, copyFloats) = (1, pixels, 0, 0)
      (width, height) = (shape.outputPlane, 1)
    } else {
      (width, height) = (Int(g.out_width), Int(g.out_height))
      (self.rows, self.pixels) = (rows, rows * width)
      self.row = row
      copyFloats = floats.dividedUp(by: 16) * 16
    }
    table = Region(count: max(1, shape.k) * 4)
    let offsets = table.base.bindMemory(to: Int32.self, capacity: shape.k)
    layout = sp_split(
      phases_h: phases.rowPhases, phases_w: phases.columnPhases, lines: phases.lines, line: row,
      plane: phases.lines * row)
    for k in 0..<shape.k {
      let (input, position) = (k / shape.positions, k % shape.positions)
      let within = isInPlace ? 0 : phases.offset(position)
      offsets[k] = Int32(truncatingIfNeeded: input * channel + within)
    }
  }

  /// Copies a block's input from the planes `x`.
  @inline(__always)
  func copy(
    _ kernels: UnsafePointer<sp_kernel_table>, _ geometry: sp_conv_geometry,
    _ x: UnsafePointer<Float>, from block: Block, to copy: UnsafeMutablePointer<Float>
  ) {
    var (geometry, layout) = (geometry, layout)
    kernels.pointee.f32_split(&geometry, x, block.firstRow, &layout, copy)
  }

  /// Copies a block's input of some channels, of the planes `x` of all, to where they are in a copy of
  /// all.
  @inline(__always)
  func copy(
    _ kernels: UnsafePointer<sp_kernel_table>, _ geometry: sp_conv_geometry,
    _ x: UnsafePointer<Float>, channels: Range<Int>, from block: Block,
    to copy: UnsafeMutablePointer<Float>
  ) {
    var part = geometry
    part.channels = channels.count
    self.copy(
      kernels, part, x + channels.lowerBound * Int(geometry.plane), from: block,
      to: copy + channels.lowerBound * channelFloats)
  }

  /// Tiles of `tile` pixels in an output row.
  func columnTiles(_ tile: Int) -> Int { width.dividedUp(by: tile) }

  struct Block {
    let firstRow: Int
    let firstPixel: Int
    let rows: Int
    let columns: Int
  }

  @inline(__always)
  func block(_ i: Int) -> Block {
    if isInPlace {
      return Block(
        firstRow: 0, firstPixel: i * pixels, rows: 1, columns: min(pixels, width - i * pixels))
    }
    return Block(
      firstRow: i * rows, firstPixel: i * pixels, rows: min(rows, height - i * rows),
      columns: width)
  }
}

/// The layout of one channel of a copy.
private struct Phases {
  let g: sp_conv_geometry
  let row: Int
  let lines: Int

  init(_ geometry: sp_conv_geometry, rows: Int, row: Int) {
    g = geometry
    self.row = row
    lines = rows + (Int(g.kernel_h) - 1) * Int(g.dilation_h) / Int(g.stride_h)
  }

  var rowPhases: Int {
    min(Int(g.stride_h), (Int(g.kernel_h) - 1) * Int(g.dilation_h) + 1)
  }
  var columnPhases: Int {
    min(Int(g.stride_w), (Int(g.kernel_w) - 1) * Int(g.dilation_w) + 1)
  }

  /// Floats of a channel; the largest number where it has more.
  var channel: Int {
    [rowPhases, columnPhases, lines, row].reduce(1) { product, count in
      let (result, overflows) = product.multipliedReportingOverflow(by: count)
      return overflows ? .max : result
    }
  }

  /// Where a kernel position's input is, from an output pixel's own address.
  func offset(_ position: Int) -> Int {
    let y = position / Int(g.kernel_w) * Int(g.dilation_h)
    let x = position % Int(g.kernel_w) * Int(g.dilation_w)
    let phase = y % Int(g.stride_h) * columnPhases + x % Int(g.stride_w)
    return (phase * lines + y / Int(g.stride_h)) * row + x / Int(g.stride_w)
  }
}
