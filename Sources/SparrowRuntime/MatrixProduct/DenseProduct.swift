import CKernels
import SparrowCore

/// C = A B with a constant B packed at load. A is read by columns: where it lies if it can be, else
/// from a transposed copy that a first phase makes.
func denseProduct(
  _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, weight: Tensor,
  _ activation: Activation
) throws(RuntimeError) -> Step {
  let kernels = p.kernels
  let b = p.weights.panels(
    WeightCache.Key(
      weight, layout: shape.bColumn == 1 ? .columnPanels : .columnPanelsOfTransposed, rows: shape.n,
      k: shape.k)
  ) {
    weight.withElements(of: Float.self) { all in
      guard let base = all.baseAddress else { return Panels(count: 0) }
      return Panels.columns(
        kernels, base, columns: shape.n, k: shape.k, rowStride: shape.bRow,
        columnStride: shape.bColumn)
    }
  }
  let tiling = try DenseProductTiling(shape, p)
  let copy = p.scratch(bytes: tiling.isInPlace ? 0 : shape.k * tiling.columnStride * 4)
  let sums = p.scratch(bytes: p.threads * tiling.sumFloats * 4)
  let fused = FusedActivation(activation)
  let copying = tiling.isInPlace ? [] : [tiling.copies.tasks]
  return Step(
    phases: copying + [tiling.rows.tasks * tiling.columns.tasks], kernel: "f32_conv_columns",
    multiplyAdds: shape.multiplyAdds
  ) { work in
    let a = work.floats(operands.a)
    if work.phase < copying.count {
      let rows = tiling.copies.range(work.task)
      kernels.pointee.f32_transpose(
        rows.count, shape.k, a + rows.lowerBound * shape.aRow, shape.aRow,
        work.floats(copy) + rows.lowerBound, tiling.columnStride)
      return
    }
    let rows = tiling.rows.range(work.task / tiling.columns.tasks)
    let columns = tiling.columns.range(work.task % tiling.columns.tasks)
    let offset = rows.lowerBound * shape.n + columns.lowerBound
    let c = work.floats(operands.c) + offset
    var epilogue = fused.epilogue(accumulate: false, last: true)
    if let bias = operands.bias {
      // One column of C is a plane of one channel to the kernel, whose bias is a row's.
      if shape.n == 1 {
        epilogue.row_bias = UnsafePointer(work.floats(bias))
      } else {
        epilogue.column_bias = UnsafePointer(work.floats(bias) + columns.lowerBound)
      }
    }
    if let addend = operands.addend {
      epilogue.residual = UnsafePointer(work.floats(addend) + offset)
      epilogue.residual_stride = shape.n
    }
    var product = sp_direct_conv(
      x: (tiling.isInPlace ? a : work.floats(copy)) + rows.lowerBound, offsets: tiling.offsets,
      weights: b.floats + columns.lowerBound * shape.k, y: c, k: shape.k,
      outputs: columns.count, rows: 1, columns: rows.count, row: 0, out_row: 0,
      out_column: shape.n, out_plane: 1)
    kernels.pointee.f32_conv_columns(
      &product, tiling.reductionBlock, work.floats(sums) + work.worker * tiling.sumFloats,
      &epilogue)
    fused.finish(kernels, c, rows: rows.count, n: columns.count, stride: shape.n)
  }
}

/// How a product with a constant matrix is cut: all of B for as many rows of A as stay in L2.
private struct DenseProductTiling: @unchecked Sendable {
  let isInPlace: Bool
  /// Floats from one column of A to the next one's.
  let columnStride: Int
  let reductionBlock: Int
  /// Rows of A to copy, rows of C, and columns of C.
  let copies: Chunks
  let rows: Chunks
  let columns: Chunks
  let sumFloats: Int
  private let table: Region

  private static var blockBytes: Int { 3 << 19 }

  var offsets: UnsafePointer<Int32> {
    UnsafePointer(table.base.assumingMemoryBound(to: Int32.self))
  }

  init(_ shape: ProductShape, _ p: Preparation) throws(RuntimeError) {
    let kernels = p.kernels.pointee
    let (mr, nr) = (Int(kernels.gemm_mr), Int(kernels.gemm_nr))
    isInPlace = shape.aRow == 1 || shape.m == 1
    // A line more than whole ones: columns at multiples of large powers of two would share cache sets.
    columnStride = isInPlace ? shape.aColumn : shape.m.dividedUp(by: 16) * 16 + 16
    guard Int32(exactly: shape.k * columnStride) != nil else {
      throw p.unsupported("products with \(shape.k) rows of \(columnStride) floats")
    }
    let bytes = shape.k * shape.m * 4
    let blockBytes = DenseProductTiling.blockBytes
    rows = Chunks(shape.m, tasks: bytes.dividedUp(by: blockBytes), unit: mr)
    columns = Chunks(
      shape.n, tasks: p.threads == 1 ? 1 : 4 * p.threads, unit: nr)
    copies = Chunks(shape.m, tasks: p.threads == 1 ? 1 : 2 * p.threads, unit: 16)
    reductionBlock = max(1, 8192 / nr)
    let tiles = shape.k > reductionBlock ? (rows.range(0).count + mr - 1) / mr : 1
    sumFloats = (tiles * mr + Int(kernels.vector_floats)) * nr
    table = Region(count: max(1, shape.k) * 4)
    let offsets = table.base.bindMemory(to: Int32.self, capacity: shape.k)
    for k in 0..<shape.k { offsets[k] = Int32(truncatingIfNeeded: k * columnStride) }
  }
}
