import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Accuracies of published networks, against those that onnxruntime gives on the same samples. The
/// files are not part of the package: see ``Repository/shared(_:)``.
struct SharedModelTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var model: String
    var data: String
    var preprocess: String
    var samples: Int
    var correct: Int
    var testDescription: String { "\(model), \(samples) samples" }

    var isAvailable: Bool {
      Repository.shared("models/\(model)") != nil && Repository.shared("data/\(data)") != nil
    }
  }

  static let cases = [
    Case(
      model: "mnist-mlp.onnx", data: "mnist-subset.npz", preprocess: "mnist", samples: 10_000,
      correct: 9397),
    Case(
      model: "resnet20-cifar10.onnx", data: "cifar10-subset.npz", preprocess: "cifar", samples: 50,
      correct: 47),
    Case(
      model: "efficientnet-lite0.onnx", data: "imagenet-sample-300.npz", preprocess: "lite",
      samples: 8, correct: 7),
  ]

  @Test(
    .enabled(
      if: cases.allSatisfy { $0.isAvailable }, "the published networks are not beside the package"),
    arguments: cases)
  func accuracyIsThatOfTheReference(_ network: Case) throws {
    let model = try Model.load(path: try #require(Repository.shared("models/\(network.model)")))
    let samples = try SampleSource(
      path: try #require(Repository.shared("data/\(network.data)")), for: model,
      preprocessing: try Preprocessing(network.preprocess)
    ).prefix(network.samples)
    var options = EvaluationOptions()
    options.threads = ProcessInfo.processInfo.activeProcessorCount
    let top1 = try #require(try model.evaluate(on: samples, options: options).top1)
    #expect(Int((top1 * Double(network.samples)).rounded()) == network.correct)
  }
}
