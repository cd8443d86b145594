import CKernels
import SparrowCore

/// C = A B with a constant B packed at load; A is packed in a first phase, all workers together.
func denseProduct(
  _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, weight: Tensor,
  _ activation: Activation
) -> Step {
  let kernels = p.kernels
  let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
  let b = p.weights.panels(
    WeightCache.Key(
      weight, layout: shape.bColumn == 1 ? .columnPanels : .columnPanelsOfTransposed)
  ) {
    weight.withElements(of: Float.self) { all in
      guard let base = all.baseAddress else { return Panels(count: 0) }
      return Panels.columns(
        kernels, base, columns: shape.n, k: shape.k, rowStride: shape.bRow,
        columnStride: shape.bColumn)
    }
  }
  let blocks = ReductionBlocks(shape.k, limit: 256)
  let rowPanels = (shape.m + mr - 1) / mr
  let columnPanels = (shape.n + nr - 1) / nr
  let a = p.scratch(bytes: rowPanels * mr * shape.k * 4)
  let fused = FusedActivation(activation)
  // Chunks of 4 column panels x 24 row panels: an A chunk of one block stays in L2.
  let columnChunk = min(4, columnPanels)
  let columnChunks = (columnPanels + columnChunk - 1) / max(1, columnChunk)
  let rowChunks = (rowPanels + 23) / 24
  let rowChunk = (rowPanels + max(1, rowChunks) - 1) / max(1, rowChunks)

  return Step(
    phases: [rowPanels, columnChunks * rowChunks], kernel: "f32_gemm",
    multiplyAdds: shape.multiplyAdds
  ) { work in
    let packed = work.floats(a)
    if work.phase == 0 {
      let row = work.task * mr
      kernels.pointee.f32_pack_a(
        min(mr, shape.m - row), shape.k, work.floats(operands.a) + row * shape.aRow, shape.aRow,
        shape.aColumn, packed + row * shape.k)
      return
    }
    let firstColumn = work.task % columnChunks * columnChunk
    let lastColumn = min(columnPanels, firstColumn + columnChunk)
    let firstRow = work.task / columnChunks * rowChunk
    let lastRow = min(rowPanels, firstRow + rowChunk)
    let c = work.floats(operands.c)
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      var epilogue = fused.epilogue(accumulate: block > 0, last: block == blocks.count - 1)
      for j in firstColumn..<lastColumn {
        let columns = min(nr, shape.n - j * nr)
        if let bias = operands.bias {
          epilogue.column_bias = UnsafePointer(work.floats(bias) + j * nr)
        }
        for i in firstRow..<lastRow {
          let offset = i * mr * shape.n + j * nr
          let rows = min(mr, shape.m - i * mr)
          if let addend = operands.addend {
            epilogue.residual = UnsafePointer(work.floats(addend) + offset)
            epilogue.residual_stride = shape.n
          }
          kernels.pointee.f32_gemm(
            range.end - range.start, packed + (i * shape.k + range.start) * mr,
            b.floats + (j * shape.k + range.start) * nr, c + offset, shape.n, rows, columns,
            &epilogue)
          if epilogue.last {
            fused.finish(kernels, c + offset, rows: rows, n: columns, stride: shape.n)
          }
        }
      }
    }
  }
}
