import ArgumentParser
import Sparrow

/// How `train` teaches a network something else than it has learnt.
struct TransferOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Put a fresh linear layer of so many classes in the place of the last one.", valueName: "n"))
  var head: Int?

  @Option(
    help: ArgumentHelp(
      "What the fresh layer reads: a value or node (default: what the last one read).",
      valueName: "name"))
  var features: String?

  @Option(help: "What is trained: everything, or with frozen the last layer (default: trained).")
  var backbone: Backbone?

  @Option(
    help: ArgumentHelp(
      "The most memory for the features of a frozen backbone (default: half of the memory).",
      valueName: "size"))
  var memory: String?

  /// In bytes.
  var memoryBytes: Int { memory.flatMap { ByteCount.parse($0) } ?? CalibrationRun.defaultMemory }

  func validate() throws {
    if let memory, ByteCount.parse(memory) == nil {
      throw ValidationError("--memory is '\(memory)', expected a size such as 512MB or 4GB")
    }
  }

  /// Puts the flags in the place of what the recipe says.
  func apply(to recipe: inout TrainRecipe) throws {
    recipe.backbone = backbone ?? recipe.backbone
    guard let classes = head ?? recipe.head?.classes else {
      guard features == nil else {
        throw ValidationError(
          "--features says what a new head reads: say with --head how many classes")
      }
      return
    }
    recipe.head = HeadSettings(classes: classes, features: features ?? recipe.head?.features)
  }
}

extension Backbone: ExpressibleByArgument {}
