import Foundation
import SparrowCore
import SparrowTestSupport

@testable import SparrowRuntime

/// Where a sparse weight's nonzeros lie, each the home ground of one kernel.
enum SparsePattern: CaseIterable {
  case unstructured
  /// Four neighbouring outputs share the inputs they read.
  case fourOutputs
  /// Four neighbouring inputs at a time.
  case fourInputs

  var kernel: WeightKernel {
    switch self {
    case .unstructured: .sparse(.single)
    case .fourOutputs: .sparse(.block4x1)
    case .fourInputs: .sparse(.block1x4)
    }
  }

  /// What a profile calls the kernel of this pattern.
  func isKernel(_ name: String) -> Bool {
    switch self {
    case .unstructured: name == "f32_spmm" || name.hasPrefix("f32_spmm (")
    case .fourOutputs: name.hasPrefix("f32_spmm_4x1")
    case .fourInputs: name.hasPrefix("f32_spmm_1x4")
    }
  }

  /// Weights outputs x inputs x positions, `density` of which are not zero. Rows of every density
  /// between none and twice that, so that their order matters.
  func weights(
    outputs: Int, inputs: Int, positions: Int = 1, density: Double, _ random: inout SeededGenerator
  ) -> [Float] {
    var weights = [Float](repeating: 0, count: outputs * inputs * positions)
    var densities: [Double] = []
    for _ in 0..<outputs { densities.append(2 * density * random.fraction()) }
    for o in 0..<outputs {
      for i in 0..<(inputs * positions) {
        let (input, position) = (i / positions, i % positions)
        let leader =
          switch self {
          case .unstructured: (o, input)
          case .fourOutputs: (o / 4 * 4, input)
          case .fourInputs: (o, input / 4 * 4)
          }
        let cell = (o * inputs + input) * positions + position
        let isKept =
          leader == (o, input)
          ? random.fraction() < densities[o]
          : weights[(leader.0 * inputs + leader.1) * positions + position] != 0
        guard isKept else { continue }
        let value = Float(2 * random.fraction() - 1)
        weights[cell] = value == 0 ? 1 : value
      }
    }
    return weights
  }
}

extension SessionOptions {
  /// Every weight through `kernel` where it applies, whatever is fastest.
  init(threads: Int = 1, kernel: WeightKernel) {
    self.init(threads: threads)
    self.kernel = kernel
  }
}

extension Activation {
  /// One of each.
  static let samples: [Activation] = [
    .none, .relu, .clip(low: -0.5, high: 0.75), .sigmoid, .silu, .tanh, .gelu,
    .hardSigmoid(alpha: 0.3, beta: 0.4), .hardSwish,
  ]

  /// In float64.
  func reference(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .relu: max(x, 0)
    case .clip(let low, let high): min(max(x, Double(low)), Double(high))
    case .sigmoid: 1 / (1 + exp(-x))
    case .silu: x / (1 + exp(-x))
    case .tanh: Foundation.tanh(x)
    case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
    case .hardSigmoid(let alpha, let beta): min(max(Double(alpha) * x + Double(beta), 0), 1)
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    }
  }
}
