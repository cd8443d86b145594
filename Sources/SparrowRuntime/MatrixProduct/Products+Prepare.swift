import CKernels
import SparrowCore

extension MatMul {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (a, b) = (try p.input(0), try p.input(1))
    guard a.dtype == b.dtype else {
      throw p.unsupported("a product of \(a.dtype.name) and \(b.dtype.name)")
    }
    guard a.dtype == .float32 else { return try referenceProduct(&p) }
    let shape = ProductShape(
      matMul: a.shape, b.shape, aStrides: a.strides, bStrides: b.strides,
      cStrides: p.outputs[0].strides)
    let operands = ProductOperands(
      a: p.slot(a), c: p.slot(p.outputs[0]), bias: p.optional(2).map { p.slot($0) }, addend: nil)
    guard let weight = b.constant, shape.batch == 1 else {
      return computedProduct(
        &p, shape, operands, b: p.slot(b), activation, scale: p.resultScale)
    }
    if let step = sparseProduct(&p, shape, operands, weight: weight, activation) { return step }
    return try denseProduct(&p, shape, operands, weight: weight, activation)
  }

  /// Integer and float64 products, element by element.
  private func referenceProduct(_ p: inout Preparation) throws(RuntimeError) -> Step {
    guard activation == .none, p.optional(2) == nil else {
      throw p.unsupported("bias and activation are float32 only")
    }
    switch try p.input(0).dtype {
    case .float64: return try referenceProduct(&p, Double.self) { $0 + $1 * $2 }
    case .int32: return try referenceProduct(&p, Int32.self) { $0 &+ $1 &* $2 }
    case .int64: return try referenceProduct(&p, Int64.self) { $0 &+ $1 &* $2 }
    case .uint32: return try referenceProduct(&p, UInt32.self) { $0 &+ $1 &* $2 }
    case .uint64: return try referenceProduct(&p, UInt64.self) { $0 &+ $1 &* $2 }
    default: return p.referenceStep(.matMul(self))
    }
  }

  private func referenceProduct<T: Element & Numeric>(
    _ p: inout Preparation, _ type: T.Type, _ multiplyAdd: @escaping (T, T, T) -> T
  ) throws(RuntimeError) -> Step {
    let (a, b) = (try p.input(0), try p.input(1))
    let shape = ProductShape(matMul: a.shape, b.shape)
    let (x, y, z) = (p.slot(a), p.slot(b), p.slot(p.outputs[0]))
    return Step(tasks: shape.batch, kernel: "reference product") { work in
      let left = work.pointer(x, as: T.self) + shape.aOffsets[work.task]
      let right = work.pointer(y, as: T.self) + shape.bOffsets[work.task]
      let target = work.pointer(z, as: T.self) + work.task * shape.m * shape.n
      for i in 0..<shape.m {
        for j in 0..<shape.n {
          var sum: T = 0
          for k in 0..<shape.k {
            sum = multiplyAdd(sum, left[i * shape.aRow + k], right[k * shape.bRow + j])
          }
          target[i * shape.n + j] = sum
        }
      }
    }
  }
}

extension Gemm {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (a, b) = (try p.input(0), try p.input(1))
    guard a.dtype == b.dtype else {
      throw p.unsupported("a product of \(a.dtype.name) and \(b.dtype.name)")
    }
    guard a.dtype == .float32 else { return p.referenceStep(.gemm(self)) }
    let shape = ProductShape(gemm: self, a: a.shape, b: b.shape)
    let c = try p.optional(2).flatMap { c throws(RuntimeError) in
      beta == 0 ? nil : GemmAddend(c, shape, beta: beta)
    }
    let slots = ProductOperands(
      a: p.slot(a), c: p.slot(p.outputs[0]),
      bias: c?.isBias == true ? c.map { p.slot($0.operand) } : nil,
      addend: c?.isAddend == true ? c.map { p.slot($0.operand) } : nil)
    // Scaling or broadcasting that the kernels cannot express is done around a plain product.
    if alpha != 1 || (c.map { !$0.isBias && !$0.isAddend } ?? false) {
      return try scaledProduct(&p, shape, slots, c)
    }
    if let weight = b.constant {
      if let step = sparseProduct(&p, shape, slots, weight: weight, activation) { return step }
      return try denseProduct(&p, shape, slots, weight: weight, activation)
    }
    return computedProduct(&p, shape, slots, b: p.slot(b), activation)
  }

  /// alpha * A B + beta * C, activation, in one pass over a plain product.
  private func scaledProduct(
    _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, _ c: GemmAddend?
  ) throws(RuntimeError) -> Step {
    let plain = ProductOperands(a: operands.a, c: operands.c, bias: nil, addend: nil)
    let product = computedProduct(&p, shape, plain, b: p.slot(try p.input(1)), .none)
    let kernels = p.kernels
    let (alpha, beta, fused) = (alpha, beta, FusedActivation(activation))
    let source = c.map { p.slot($0.operand) }
    let (rowStride, columnStride) = (c?.rowStride ?? 0, c?.columnStride ?? 0)
    return Step(
      phases: product.phases + [shape.m], kernel: product.kernel, multiplyAdds: shape.multiplyAdds
    ) { work in
      if work.phase == 0 {
        product.body(work)
        return
      }
      let row = work.floats(operands.c) + work.task * shape.n
      kernels.pointee.f32_scale_shift(shape.n, row, alpha, 0, row)
      if let source {
        let addend = work.floats(source) + work.task * rowStride
        for j in 0..<shape.n { row[j] += beta * addend[j * columnStride] }
      }
      fused.apply(kernels, row, n: shape.n)
    }
  }
}

/// Gemm's C, broadcast to m x n.
private struct GemmAddend {
  let operand: Preparation.Operand
  let rowStride: Int
  let columnStride: Int
  /// It can be a kernel's column bias, or its addend, as it is.
  let isBias: Bool
  let isAddend: Bool

  init(_ operand: Preparation.Operand, _ shape: ProductShape, beta: Float) {
    self.operand = operand
    let columns = operand.shape.last ?? 1
    let rows = operand.shape.count > 1 ? operand.shape[operand.shape.count - 2] : 1
    columnStride = columns == 1 ? 0 : 1
    rowStride = rows == 1 ? 0 : columns
    isBias = beta == 1 && rows == 1 && columns == shape.n
    isAddend = beta == 1 && rows == shape.m && columns == shape.n && !isBias
  }
}
