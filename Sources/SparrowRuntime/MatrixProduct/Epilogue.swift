import CKernels
import SparrowCore

/// A fused activation, split into the clamp a kernel applies to its sums and the function that runs
/// over the finished tile while it is in cache.
struct FusedActivation {
  let low: Float
  let high: Float
  private let function: sp_unary?
  private let parameters: (Float, Float)

  init(_ activation: Activation) {
    let clamp = activation.clamp
    (low, high) = clamp ?? (-Float.infinity, Float.infinity)
    parameters = activation.parameters
    function =
      switch activation {
      case .none, .relu, .clip: nil
      case .sigmoid: SP_UNARY_SIGMOID
      case .silu: SP_UNARY_SILU
      case .tanh: SP_UNARY_TANH
      case .gelu: SP_UNARY_GELU
      case .hardSigmoid: SP_UNARY_HARD_SIGMOID
      case .hardSwish: SP_UNARY_HARD_SWISH
      }
  }

  /// Whether ``finish`` does anything.
  var needsFinish: Bool { function != nil }

  /// Applies what is not a clamp to `rows` rows of `n` elements.
  @inline(__always)
  func finish(
    _ kernels: UnsafePointer<sp_kernel_table>, _ c: UnsafeMutablePointer<Float>, rows: Int, n: Int,
    stride: Int
  ) {
    guard let function else { return }
    for row in 0..<rows {
      let start = c + row * stride
      kernels.pointee.f32_unary(function, n, start, start, parameters.0, parameters.1)
    }
  }

  /// Applies the whole activation to `n` elements.
  @inline(__always)
  func apply(
    _ kernels: UnsafePointer<sp_kernel_table>, _ c: UnsafeMutablePointer<Float>, n: Int
  ) {
    if function != nil {
      finish(kernels, c, rows: 1, n: n, stride: n)
    } else if low != -Float.infinity || high != Float.infinity {
      kernels.pointee.f32_unary(SP_UNARY_CLIP, n, c, c, low, high)
    }
  }

  /// An epilogue without bias or addend.
  @inline(__always)
  func epilogue(accumulate: Bool, last: Bool) -> sp_epilogue {
    sp_epilogue(
      row_bias: nil, column_bias: nil, residual: nil, residual_stride: 0, lo: low, hi: high,
      accumulate: accumulate, last: last)
  }
}

/// The reduction dimension cut into blocks of nearly equal length.
struct ReductionBlocks: Equatable {
  let k: Int
  let length: Int

  /// Blocks of at most `limit`, their length a multiple of `multiple`.
  init(_ k: Int, limit: Int, multiple: Int = 1) {
    self.k = k
    let count = max(1, k.dividedUp(by: limit))
    let even = (max(k, 1) + count - 1) / count
    length = even.dividedUp(by: multiple) * multiple
  }

  var count: Int { max(1, k.dividedUp(by: length)) }

  @inline(__always)
  func range(_ block: Int) -> (start: Int, end: Int) {
    (block * length, min(k, (block + 1) * length))
  }
}
