import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct New: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Build an untrained network.",
    discussion: """
      Parameters are named as in PyTorch's state dicts and drawn from --seed: the same architecture, \
      settings and seed give the same file. Batch normalisation stays apart from convolutions, so \
      that it can be trained; the batch stays open.

      EXAMPLES:
        sparrow new resnet20 --classes 10 -o model.onnx
        sparrow new --list
        sparrow new resnet18-cifar --input-shape 1,28,28 --width 0.5 -o m.onnx
        sparrow new mlp --input-shape 64 --hidden 128,64 --seed 7 -o mlp.onnx
        sparrow new bert-tiny --classes 3 --vocabulary 8000 -o bert.onnx
      """)

  @Argument(help: "The architecture: one of those that --list shows.")
  var architecture: String?

  @Flag(help: "Show the architectures.")
  var list = false

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("How many scores it has (default: as --list shows).", valueName: "n"))
  var classes: Int?

  @Option(
    help: ArgumentHelp(
      "One sample's shape: channels, height and width; for BERT the number of tokens, open otherwise.",
      valueName: "3,32,32"))
  var inputShape: String?

  @Option(help: ArgumentHelp("What the parameters follow from.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Multiplies channels (convolutional networks, mlp).", valueName: "x"))
  var width = 1.0

  @Option(
    help: ArgumentHelp("Widths of mlp's hidden layers; BERT's hidden width.", valueName: "128,64"))
  var hidden: String?

  @Option(help: ArgumentHelp("BERT's layers.", valueName: "n"))
  var layers: Int?

  @Option(help: ArgumentHelp("BERT's attention heads.", valueName: "n"))
  var heads: Int?

  @Option(help: ArgumentHelp("The number of BERT's token ids.", valueName: "n"))
  var vocabulary: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if list {
      guard architecture == nil else {
        throw ValidationError("an architecture and --list: give one or the other")
      }
      return
    }
    guard architecture != nil else {
      throw ValidationError("name an architecture; --list shows them")
    }
    guard output != nil else { throw ValidationError("say where to write with -o FILE") }
  }

  func run() throws {
    guard let architecture, let output else {
      common.say(Self.table())
      return
    }
    let chosen = try Architecture(named: architecture)
    _ = try ModelFormat(path: output)
    let settings = try settings()
    let model = try common.timed("build") { try Model.new(chosen, settings) }
    try common.timed("write") { try model.saveTrainable(to: output) }
    let summary = ModelSummary(model)
    let work = summary.multiplyAdds.map { ", \(Text.count($0)) multiply-adds" } ?? ""
    common.say(
      "\(output): \(chosen.name), \(Text.count(summary.weights)) weights\(work), "
        + Text.bytes(fileSize(output)))
  }

  private func settings() throws -> ArchitectureSettings {
    var settings = ArchitectureSettings(
      classes: classes, inputShape: try lengths("--input-shape", inputShape), seed: seed,
      width: width)
    settings.hidden = try lengths("--hidden", hidden)
    (settings.layers, settings.heads, settings.vocabulary) = (layers, heads, vocabulary)
    return settings
  }

  private func lengths(_ flag: String, _ text: String?) throws -> [Int]? {
    guard let text else { return nil }
    let lengths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !lengths.contains(nil) else {
      throw SparrowError.badSetting(
        "\(flag) is '\(text)', expected whole numbers with commas between them, such as 3,32,32")
    }
    return lengths.compactMap { $0 }
  }

  private static func table() -> String {
    let known = Architecture.allCases
    let wide = (known.map { $0.name.count }.max() ?? 0) + 2
    return known.map { architecture in
      let facts = architecture.facts
      let sample = facts.sample.map { "\($0)" }.joined(separator: ",")
      let name = architecture.name.padding(toLength: wide, withPad: " ", startingAt: 0)
      let shape = (sample.isEmpty ? "tokens" : sample).padding(
        toLength: 11, withPad: " ", startingAt: 0)
      return name + shape + "  " + facts.summary + ", \(facts.classes) classes"
    }.joined(separator: "\n")
  }
}
