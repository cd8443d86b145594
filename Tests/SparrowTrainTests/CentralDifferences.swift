import SparrowCore
import SparrowRuntime
import Testing

@testable import SparrowTrain

/// Derivatives of a training graph's loss, its first output, by float64 central differences.
struct CentralDifferences {
  /// Half of the step: the error is about its square.
  private let step = 1e-5
  let session: Session
  let network: TrainingGraph
  /// What the graph takes before its constants, and those, parameters first.
  let inputs: [Tensor]
  let constants: [Tensor]

  /// Compares the derivative by every element of every parameter with `gradients`, one tensor a parameter; the
  /// difference may be `tolerance` of 1 + its magnitude. Each is also shown to `visit`.
  func check(
    _ gradients: [Tensor], tolerance: Double, seed: UInt64,
    visit: (Parameter, Double) -> Void = { _, _ in }
  ) throws {
    try #require(gradients.count == network.parameters.count)
    for (i, parameter) in network.parameters.enumerated() {
      let gradient = gradients[i].doubles
      #expect(gradient.count == parameter.count)
      for j in 0..<parameter.count {
        let numeric = try (loss(i, j, step) - loss(i, j, -step)) / (2 * step)
        let difference = abs(gradient[j] - numeric) / (1 + abs(numeric))
        #expect(
          difference <= tolerance, "\(parameter.name)[\(j)], seed \(seed): \(difference)")
        visit(parameter, numeric)
      }
    }
  }

  /// The loss with element j of parameter i moved.
  private func loss(_ i: Int, _ j: Int, _ offset: Double) throws -> Double {
    var moved = constants
    var numbers = constants[i].doubles
    numbers[j] += offset
    moved[i] = Tensor(numbers, shape: constants[i].shape)
    return try session.run(inputs + moved)[0].doubles[0]
  }
}
