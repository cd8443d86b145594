import CKernels
import SparrowCore

/// C = scale * A B with both operands computed: each matrix of the batch is packed and multiplied by
/// one worker.
func computedProduct(
  _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, b: Slot,
  _ activation: Activation, scale: Float = 1
) -> Step {
  let kernels = p.kernels
  let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
  let rowPanels = shape.m.dividedUp(by: mr)
  let columnPanels = shape.n.dividedUp(by: nr)
  // Whole cache lines, so that every worker's panels start at one.
  let panelFloats = rowPanels * mr * shape.k
  let aFloats = panelFloats.dividedUp(by: 16) * 16
  let bFloats = (columnPanels * nr * shape.k + 15) / 16 * 16
  let panelsA = p.scratch(bytes: p.threads * aFloats * 4)
  let panelsB = p.scratch(bytes: p.threads * bFloats * 4)
  let fused = FusedActivation(activation)
  return Step(
    tasks: shape.batch, kernel: "f32_gemm (computed)", multiplyAdds: shape.multiplyAdds
  ) { work in
    let packedA = work.floats(panelsA) + work.worker * aFloats
    let packedB = work.floats(panelsB) + work.worker * bFloats
    let start = shape.cOffsets[work.task]
    let c = work.floats(operands.c) + start
    let sourceA = work.floats(operands.a) + shape.aOffsets[work.task]
    let sourceB = work.floats(b) + shape.bOffsets[work.task]
    for i in 0..<rowPanels {
      kernels.pointee.f32_pack_a(
        min(mr, shape.m - i * mr), shape.k, sourceA + i * mr * shape.aRow, shape.aRow,
        shape.aColumn, packedA + i * mr * shape.k)
    }
    if scale != 1 {
      kernels.pointee.f32_scale_shift(panelFloats, packedA, scale, 0, packedA)
    }
    for j in 0..<columnPanels {
      kernels.pointee.f32_pack_b(
        shape.k, min(nr, shape.n - j * nr), sourceB + j * nr * shape.bColumn, shape.bRow,
        shape.bColumn, packedB + j * nr * shape.k)
    }
    var epilogue = fused.epilogue(accumulate: false, last: true)
    for j in 0..<columnPanels {
      if let bias = operands.bias {
        epilogue.column_bias = UnsafePointer(work.floats(bias) + j * nr)
      }
      for i in 0..<rowPanels {
        let offset = i * mr * shape.cRow + j * nr
        if let addend = operands.addend {
          epilogue.residual = UnsafePointer(work.floats(addend) + start + offset)
          epilogue.residual_stride = shape.cRow
        }
        kernels.pointee.f32_gemm(
          shape.k, packedA + i * mr * shape.k, packedB + j * nr * shape.k, c + offset, shape.cRow,
          min(mr, shape.m - i * mr), min(nr, shape.n - j * nr), &epilogue)
      }
    }
    fused.finish(kernels, c, rows: shape.m, n: shape.n, stride: shape.cRow)
  }
}
