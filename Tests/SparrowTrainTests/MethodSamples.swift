import SparrowCompress
import SparrowCore
import Testing

@testable import SparrowTrain

/// A method with settings for small runs.
struct MethodSamples: Sendable, CustomTestStringConvertible {
  var name: String
  /// What it reaches; nil where that follows from other settings.
  var sparsity: Double? = nil
  var make: @Sendable () -> any SparsityMethod

  var testDescription: String { name }
  var method: any SparsityMethod { make() }

  static let mask = MaskSettings(sparsity: 0.5)

  static let all: [MethodSamples] = [
    MethodSamples(name: "dense", sparsity: 0) { DenseTraining() },
    MethodSamples(name: "fixed", sparsity: 0.5) { FixedMask(choosing: mask) },
    MethodSamples(name: "gmp", sparsity: 0.5) { GradualPruning(mask) },
    MethodSamples(name: "gmp taylor blocks", sparsity: 0.5) {
      GradualPruning(
        MaskSettings(sparsity: 0.5, criterion: "taylor", pattern: "1x2"),
        .init(start: 0.2, end: 0.6, initial: 0.1, every: 7))
    },
    MethodSamples(name: "acdc", sparsity: 0.5) { AlternatingCompression(mask) },
    MethodSamples(name: "rigl", sparsity: 0.5) {
      RigL(MaskSettings(sparsity: 0.5, allocation: "erk"), .init(every: 4))
    },
    MethodSamples(name: "static", sparsity: 0.5) {
      FixedMask(
        choosing: MaskSettings(sparsity: 0.5, criterion: "random", allocation: "erk"),
        name: "static")
    },
    MethodSamples(name: "str") { SoftThreshold(MaskSettings(), .init(start: -4, decay: 0.2)) },
    MethodSamples(name: "movement", sparsity: 0.5) { MovementPruning(mask) },
    MethodSamples(name: "admm", sparsity: 0.5) { ADMMPruning(mask, .init(rho: 0.05, every: 5)) },
    MethodSamples(name: "ticket", sparsity: 0.5) {
      IterativeMagnitude(mask, .init(rounds: 2, continuation: .ticket))
    },
    MethodSamples(name: "reinit", sparsity: 0.5) {
      IterativeMagnitude(mask, .init(continuation: .reinit))
    },
    MethodSamples(name: "rewind", sparsity: 0.5) {
      IterativeMagnitude(mask, .init(continuation: .rewind, rewindEpochs: 2))
    },
    MethodSamples(name: "fine-tune", sparsity: 0.5) {
      IterativeMagnitude(mask, .init(rounds: 3, continuation: .fineTune))
    },
  ]
}
