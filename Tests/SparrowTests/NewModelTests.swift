import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// `sparrow new`, and what other commands do with its files.
struct NewModelTests {
  @Test(arguments: ["onnx", "sparrow"])
  func writesWhatItBuilds(_ suffix: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.\(suffix)")
    let outcome = try CommandLineTool.run(
      "new", "resnet20", "--classes", "7", "--input-shape", "1,28,28", "--seed", "3", "-o", path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("resnet20, 270 k weights"))
    let model = try Model.load(path: path)
    let norms = model.graph.nodes.filter {
      if case .batchNormalization = $0.op { true } else { false }
    }
    #expect(norms.count == 21)
    let built = try Model.new(
      .resNet20, ArchitectureSettings(classes: 7, inputShape: [1, 28, 28], seed: 3))
    let image = [Float](repeating: 0.5, count: 2 * 784)
    let input = [Tensor(image, shape: [2, 1, 28, 28])]
    let scores = try built.session(optimizes: false).run(input)
    #expect(scores[0].shape == [2, 7])
    #expect(try model.session(optimizes: false).run(input) == scores)
  }

  @Test func sameSettingsGiveTheSameBytes() throws {
    let folder = try TemporaryFolder()
    var files: [Data] = []
    for (name, seed) in [("a", "1"), ("b", "1"), ("c", "2")] {
      let path = folder.path("\(name).onnx")
      let outcome = try CommandLineTool.run(
        "new", "mlp", "--hidden", "16,8", "--input-shape", "64", "--seed", seed, "-o", path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      files.append(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    #expect(files[0] == files[1])
    #expect(files[0] != files[2])
  }

  @Test func listNamesEveryArchitecture() throws {
    let outcome = try CommandLineTool.run("new", "--list")
    #expect(outcome.status == 0)
    let names = outcome.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names.map(String.init) == Architecture.allCases.map { $0.name })
  }

  @Test func compressTakesIt() throws {
    let folder = try TemporaryFolder()
    let (path, small) = (folder.path("bert.onnx"), folder.path("bert.sparrow"))
    let made = try CommandLineTool.run(
      "new", "bert-tiny", "--hidden", "32", "--vocabulary", "100", "--input-shape", "16", "-o", path
    )
    #expect(made.status == 0, "\(made.errors)")
    let compressed = try CommandLineTool.run("compress", path, small, "--sparsity", "0.5")
    #expect(compressed.status == 0, "\(compressed.errors)")
    #expect(compressed.output.contains("sparsity 50.00 %"))
  }
}
