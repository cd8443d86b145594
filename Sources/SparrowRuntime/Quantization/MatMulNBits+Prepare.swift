import SparrowCore

extension MatMulNBits {
  /// float32 with constant weights, which are widened once: a product like any other. Anything else
  /// runs the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, bytes, scales) = (try p.input(0), try p.input(1), try p.input(2))
    let zeros = p.optional(3)
    guard x.dtype == .float32, x.count > 0, let packed = bytes.constant,
      let factors = scales.constant, zeros == nil || zeros?.constant != nil,
      p.optional(5).map({ $0.dtype == .float32 && $0.count == n }) ?? true
    else { return p.referenceStep(.matMulNBits(self)) }
    let weight: Tensor
    do throws(ComputeError) {
      weight = try weights(packed, scales: factors, zeros: zeros?.constant)
    } catch {
      throw p.unsupported(error.reason)
    }
    let shape = ProductShape(
      gemm: Gemm(transposesB: true), a: [x.count / k, k], b: [n, k])
    let operands = ProductOperands(
      a: p.slot(x), c: p.slot(p.outputs[0]), bias: p.optional(5).map { p.slot($0) }, addend: nil)
    return try denseProduct(&p, shape, operands, weight: weight, .none)
  }
}
