import CKernels
import SparrowCore

/// A gate's function on float32 vectors, in place.
struct GateFunction {
  private let kernels: UnsafePointer<sp_kernel_table>
  private let function: RecurrentFunction
  private let (alpha, beta): (Float, Float)

  init(_ activation: RecurrentActivation, _ kernels: UnsafePointer<sp_kernel_table>) {
    (function, self.kernels) = (activation.function, kernels)
    (alpha, beta) = (activation.alpha, activation.beta)
  }

  @inline(__always)
  private func unary(_ function: sp_unary, _ n: Int, _ x: UnsafeMutablePointer<Float>) {
    kernels.pointee.f32_unary(function, n, x, x, alpha, beta)
  }

  func apply(_ n: Int, _ x: UnsafeMutablePointer<Float>) {
    switch function {
    case .affine: kernels.pointee.f32_scale_shift(n, x, alpha, beta, x)
    case .elu: unary(SP_UNARY_ELU, n, x)
    case .hardSigmoid: unary(SP_UNARY_HARD_SIGMOID, n, x)
    case .leakyRelu: unary(SP_UNARY_LEAKY_RELU, n, x)
    case .relu: unary(SP_UNARY_RELU, n, x)
    case .scaledTanh:
      kernels.pointee.f32_scale_shift(n, x, beta, 0, x)
      unary(SP_UNARY_TANH, n, x)
      kernels.pointee.f32_scale_shift(n, x, alpha, 0, x)
    case .sigmoid: unary(SP_UNARY_SIGMOID, n, x)
    case .softplus: unary(SP_UNARY_SOFTPLUS, n, x)
    case .softsign: for i in 0..<n { x[i] /= 1 + abs(x[i]) }
    case .tanh: unary(SP_UNARY_TANH, n, x)
    case .thresholdedRelu: for i in 0..<n where !(x[i] >= alpha) { x[i] = 0 }
    }
  }
}
