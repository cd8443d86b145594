import CKernels
import SparrowCore

/// The rows of a convolution's implicit matrix (im2col) as shifted planes: where each kernel position's
/// pixels begin, and a bit for each output pixel whose input lies inside the image.
final class Windows: @unchecked Sendable {
  private let shifts: UnsafeMutablePointer<Int>
  private let masks: UnsafeMutablePointer<UInt16>
  private let regions: (Region, Region)
  private let positions: Int
  private let plane: Int
  private let columns: Int
  private let maskStride: Int
  /// Pixels that have an input, of all positions.
  private var inside = 0

  /// `plane` floats from one channel to the next; `columns` output pixels.
  init(positions: Int, plane: Int, columns: Int) {
    (self.positions, self.plane, self.columns) = (positions, plane, columns)
    maskStride = columns.dividedUp(by: 16)
    regions = (
      Region(count: positions * MemoryLayout<Int>.stride), Region(count: positions * maskStride * 2)
    )
    shifts = regions.0.base.bindMemory(to: Int.self, capacity: positions)
    masks = regions.1.base.bindMemory(to: UInt16.self, capacity: positions * maskStride)
    masks.initialize(repeating: 0, count: positions * maskStride)
  }

  /// Where a position's plane begins, and which output pixels (lines of `width`) it has an input for.
  func set(_ position: Int, width: Int, rows: Range<Int>, columns: Range<Int>, shift: Int) {
    shifts[position] = shift
    if columns.count == width {
      mark(position, rows.lowerBound * width..<rows.upperBound * width)
    } else if !columns.isEmpty {
      for y in rows {
        mark(position, y * width + columns.lowerBound..<y * width + columns.upperBound)
      }
    }
  }

  private func mark(_ position: Int, _ pixels: Range<Int>) {
    inside += pixels.count
    var pixel = pixels.lowerBound
    while pixel < pixels.upperBound {
      let end = min(pixels.upperBound, pixel / 16 * 16 + 16)
      let bits = (1 << (end - pixel) - 1) << (pixel % 16)
      masks[position * maskStride + pixel / 16] |= UInt16(truncatingIfNeeded: bits)
      pixel = end
    }
  }

  /// Whether the rows are the planes themselves.
  var isPlain: Bool {
    positions == 1 && shifts[0] == 0 && inside == columns
  }

  var kernelArgument: sp_windows {
    sp_windows(
      positions: positions, plane: plane, shifts: UnsafePointer(shifts),
      masks: UnsafePointer(masks), mask_stride: maskStride)
  }
}
