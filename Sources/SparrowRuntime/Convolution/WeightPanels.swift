import CKernels
import SparrowCore

/// Where element (row, k) of a group's weight matrix is: what each index moves, in elements.
struct WeightStrides {
  var group: Int
  var row: Int
  var k: Int
}

/// A convolution's weight, group by group, as panels that the kernels read: packed when the step is made
/// where the weight is constant, else in a first phase of every run.
struct WeightPanels: @unchecked Sendable {
  /// Whether the weight's rows (output channels) are rows or columns of the product.
  enum Side {
    case rows
    case columns

    fileprivate var layout: WeightCache.Layout {
      switch self {
      case .rows: .rowPanels
      case .columns: .columnPanelsOfTransposed
      }
    }
  }

  /// The tasks of the phase that packs; none where that is done.
  let phases: [Int]
  private let kernels: UnsafePointer<sp_kernel_table>
  private let side: Side
  private let rows: Int
  private let k: Int
  private let strides: WeightStrides
  private let ready: [Panels]
  private let weight: Slot?
  private let packed: Slot?
  private let groupFloats: Int
  /// Rows of one panel, and panels of one group.
  private let width: Int
  private let panelCount: Int

  init(
    _ p: inout Preparation, _ side: Side, groups: Int, rows: Int, k: Int,
    source strides: WeightStrides
  ) throws(RuntimeError) {
    let kernels = p.kernels
    (self.kernels, self.side, self.rows) = (kernels, side, rows)
    (self.k, self.strides) = (k, strides)
    switch side {
    case .rows: width = Int(kernels.pointee.gemm_mr)
    case .columns: width = Int(kernels.pointee.gemm_nr)
    }
    panelCount = rows.dividedUp(by: width)
    groupFloats = (panelCount * width * k).dividedUp(by: 16) * 16
    let operand = try p.input(1)
    if let tensor = operand.constant {
      let cache = p.weights
      ready = (0..<groups).map { group in
        let key = WeightCache.Key(
          tensor, layout: side.layout, rows: rows, k: k, group: group, columns: strides.row,
          plane: strides.k)
        return cache.panels(key) {
          Self.panels(kernels, side, tensor, group, rows: rows, k: k, strides)
        }
      }
      (phases, weight, packed) = ([], nil, nil)
    } else {
      ready = []
      phases = [groups * panelCount]
      weight = p.slot(operand)
      packed = p.scratch(bytes: groups * groupFloats * 4)
    }
  }

  private static func panels(
    _ kernels: UnsafePointer<sp_kernel_table>, _ side: Side, _ tensor: Tensor, _ group: Int,
    rows: Int, k: Int, _ strides: WeightStrides
  ) -> Panels {
    tensor.withElements(of: Float.self) { all in
      guard let base = all.baseAddress else { return Panels(count: 0) }
      let source = base + group * strides.group
      return switch side {
      case .rows:
        Panels.rows(
          kernels, source, rows: rows, k: k, rowStride: strides.row, columnStride: strides.k)
      case .columns:
        Panels.columns(
          kernels, source, columns: rows, k: k, rowStride: strides.k, columnStride: strides.row)
      }
    }
  }

  /// Packs the panel of a task's number.
  func pack(_ work: borrowing Work) {
    guard let weight, let packed else { return }
    let (group, panel) = work.task.quotientAndRemainder(dividingBy: panelCount)
    let row = panel * width
    let source = work.floats(weight) + group * strides.group + row * strides.row
    let target = work.floats(packed) + group * groupFloats + row * k
    let count = min(width, rows - row)
    switch side {
    case .rows: kernels.pointee.f32_pack_a(count, k, source, strides.row, strides.k, target)
    case .columns: kernels.pointee.f32_pack_b(k, count, source, strides.k, strides.row, target)
    }
  }

  /// A group's panels one after the other: row r of the weight begins r * k floats after the first.
  @inline(__always)
  func panels(group: Int, _ work: borrowing Work) -> UnsafePointer<Float> {
    guard let packed else { return UnsafePointer(ready[group].floats) }
    return UnsafePointer(work.floats(packed) + group * groupFloats)
  }
}
