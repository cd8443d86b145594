import CKernels
import SparrowCore

/// Products of the hidden state with rows of a recurrence weight, which is packed when the model is
/// prepared: `y[b, j] = addend + sum over k of state[b, k] * R[j, k]`.
final class StateProduct: @unchecked Sendable {
  let outputs: Int
  /// Floats from one hidden value to the next in a transposed state.
  let stateStride: Int
  /// Floats that one worker sums in.
  let sumFloats: Int
  private let kernels: UnsafePointer<sp_kernel_table>
  private let hidden: Int
  private let panels: Panels
  private let offsets: Region
  private let reductionBlock: Int

  /// The rows `rows` of direction `direction` in `recurrence` `[D, gates, hidden]`, for states of up
  /// to `batch` items.
  init(
    _ p: Preparation, _ recurrence: Tensor, direction: Int, rows: Range<Int>, batch: Int
  ) {
    let kernels = p.kernels
    let (gates, hidden) = (recurrence.shape[1], recurrence.shape[2])
    let key = WeightCache.Key(
      recurrence, layout: .columnPanelsOfTransposed, rows: rows.count, k: hidden,
      group: direction * gates + rows.lowerBound)
    panels = p.weights.panels(key) {
      recurrence.withElements(of: Float.self) { all in
        guard let base = all.baseAddress else { return Panels(count: 0) }
        return Panels.columns(
          kernels, base + (direction * gates + rows.lowerBound) * hidden, columns: rows.count,
          k: hidden, rowStride: 1, columnStride: hidden)
      }
    }
    (self.kernels, self.hidden, outputs) = (kernels, hidden, rows.count)
    stateStride = Self.stateStride(batch)
    offsets = Region(count: max(1, hidden) * 4)
    let table = offsets.base.bindMemory(to: Int32.self, capacity: hidden)
    for k in 0..<hidden { table[k] = Int32(truncatingIfNeeded: k * stateStride) }
    let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
    reductionBlock = max(1, 8192 / nr)
    let tiles = hidden > reductionBlock ? batch.dividedUp(by: mr) : 1
    sumFloats = (tiles * mr + Int(kernels.pointee.vector_floats)) * nr
  }

  /// One item's state is its own transpose.
  static func stateStride(_ batch: Int) -> Int { batch == 1 ? 1 : batch.dividedUp(by: 16) * 16 }

  /// `state` is transposed; rows of `y` are `stride` floats apart. The addend is y itself where
  /// `accumulates`, else `bias`.
  func run(
    state: UnsafePointer<Float>, batch: Int, y: UnsafeMutablePointer<Float>, stride: Int,
    accumulates: Bool, bias: UnsafePointer<Float>?, sums: UnsafeMutablePointer<Float>
  ) {
    var product = sp_direct_conv(
      x: state, offsets: UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self)),
      weights: panels.floats, y: y, k: hidden, outputs: outputs, rows: 1, columns: batch, row: 0,
      out_row: 0, out_column: stride, out_plane: 1)
    // Where rows are one float apart, the kernel takes its columns for channels: see f32_conv_columns.
    var epilogue = sp_epilogue(
      row_bias: stride == 1 ? bias : nil, column_bias: stride == 1 ? nil : bias,
      residual: accumulates ? UnsafePointer(y) : nil, residual_stride: stride, lo: -.infinity,
      hi: .infinity, accumulate: false, last: true)
    kernels.pointee.f32_conv_columns(&product, reductionBlock, sums, &epilogue)
  }
}
