import CKernels
import SparrowCore

/// A function of one float32 that the kernels compute, with its parameters.
struct UnaryKernel {
  var function: sp_unary
  var first: Float = 0
  var second: Float = 0
}

extension Unary {
  /// The kernel that computes it for float32; nil where there is none.
  var kernel: UnaryKernel? {
    switch function {
    case .abs: UnaryKernel(function: SP_UNARY_ABS)
    case .ceil: UnaryKernel(function: SP_UNARY_CEIL)
    case .cos: UnaryKernel(function: SP_UNARY_COS)
    case .elu: UnaryKernel(function: SP_UNARY_ELU, first: alpha)
    case .erf: UnaryKernel(function: SP_UNARY_ERF)
    case .exp: UnaryKernel(function: SP_UNARY_EXP)
    case .floor: UnaryKernel(function: SP_UNARY_FLOOR)
    case .gelu:
      UnaryKernel(function: approximation == .tanh ? SP_UNARY_GELU_TANH : SP_UNARY_GELU)
    case .hardSigmoid:
      UnaryKernel(function: SP_UNARY_HARD_SIGMOID, first: alpha, second: beta)
    case .hardSwish: UnaryKernel(function: SP_UNARY_HARD_SWISH)
    case .leakyRelu: UnaryKernel(function: SP_UNARY_LEAKY_RELU, first: alpha)
    case .log: UnaryKernel(function: SP_UNARY_LOG)
    case .neg: UnaryKernel(function: SP_UNARY_NEG)
    case .reciprocal: UnaryKernel(function: SP_UNARY_RECIPROCAL)
    case .relu: UnaryKernel(function: SP_UNARY_RELU)
    case .round: UnaryKernel(function: SP_UNARY_ROUND)
    case .sigmoid: UnaryKernel(function: SP_UNARY_SIGMOID)
    case .sign: UnaryKernel(function: SP_UNARY_SIGN)
    case .sin: UnaryKernel(function: SP_UNARY_SIN)
    case .softplus: UnaryKernel(function: SP_UNARY_SOFTPLUS)
    case .sqrt: UnaryKernel(function: SP_UNARY_SQRT)
    case .tanh: UnaryKernel(function: SP_UNARY_TANH)
    case .swish where alpha == 1: UnaryKernel(function: SP_UNARY_SILU)
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .bitwiseNot, .celu, .cosh, .isNaN, .mish,
      .not, .selu, .shrink, .sinh, .softsign, .swish, .tan, .thresholdedRelu:
      nil
    }
  }
}

extension Binary.Function {
  /// The kernel that computes it for float32; nil where there is none.
  var kernel: sp_binary? {
    switch self {
    case .add: SP_BINARY_ADD
    case .div: SP_BINARY_DIV
    case .max: SP_BINARY_MAX
    case .min: SP_BINARY_MIN
    case .mul: SP_BINARY_MUL
    case .pow: SP_BINARY_POW
    case .sub: SP_BINARY_SUB
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .equal, .greater, .greaterOrEqual, .less,
      .lessOrEqual, .or, .prelu, .xor:
      nil
    }
  }
}
