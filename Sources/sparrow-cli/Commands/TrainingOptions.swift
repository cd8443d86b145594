import ArgumentParser
import Sparrow

/// How `train` trains: a recipe, or flags, or a recipe that flags change.
struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A recipe (YAML); flags change what it says.", valueName: "file"))
  var recipe: String?

  @Option(
    help: ArgumentHelp("Times that all samples are learnt from (default: 10).", valueName: "n"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Samples a step (default: 64).", valueName: "n"))
  var batch: Int?

  @Option(
    name: .customLong("learning-rate"),
    help: ArgumentHelp("The highest learning rate (default: 0.05).", valueName: "x"))
  var learningRate: Double?

  @Option(help: "How the learning rate goes (default: cosine, down to 0).")
  var schedule: ScheduleName?

  @Option(
    name: .customLong("warm-up"),
    help: ArgumentHelp("Epochs in which the learning rate rises (default: 0).", valueName: "n"))
  var warmUp: Double?

  @Option(help: "What gradients do (default: sgd, with momentum 0.9).")
  var optimizer: OptimizerSettings.Rule?

  @Option(
    name: .customLong("weight-decay"), help: ArgumentHelp("Default: 0.", valueName: "x"))
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp("The longest that all gradients together may be.", valueName: "x"))
  var clip: Double?

  @Option(
    help: ArgumentHelp(
      "Random changes of images: move by up to N pixels, mirror, blank a square, enlarge a part, multiply (crop=4,flip,cutout=8,area=0.3,contrast=0.2).",
      valueName: "spec"))
  var augment: String?

  @Option(help: ArgumentHelp("What random choices follow from (default: 0).", valueName: "n"))
  var seed: UInt64?

  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, cosine }

  /// The recipe that the file and the flags describe, without its method.
  func chosenRecipe() throws(SparrowError) -> TrainRecipe {
    var result =
      try recipe.map { (file) throws(SparrowError) in try TrainRecipe(file: file) }
      ?? TrainRecipe()
    result.training.epochs = epochs ?? result.training.epochs
    result.training.batch = batch ?? result.training.batch
    result.training.seed = seed ?? result.training.seed
    result.training.clip = clip ?? result.training.clip
    result.training.schedule.rate = learningRate ?? result.training.schedule.rate
    result.training.schedule.warmUp = warmUp ?? result.training.schedule.warmUp
    switch schedule {
    case .constant: result.training.schedule.shape = .constant
    case .cosine: result.training.schedule.shape = .cosine()
    case nil: break
    }
    if let optimizer, optimizer != result.training.optimizer.rule {
      result.training.optimizer = OptimizerSettings(
        optimizer, weightDecay: result.training.optimizer.weightDecay)
    }
    result.training.optimizer.weightDecay =
      weightDecay ?? result.training.optimizer.weightDecay
    if let augment { result.training.augmentation = try Self.augmentation(augment) }
    return result
  }

  private static func augmentation(_ text: String) throws(SparrowError) -> Augmentation {
    var result = Augmentation()
    for part in text.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      let number = pair.count == 2 ? Int(pair[1]) : nil
      let fraction = pair.count == 2 ? Double(pair[1]) : nil
      switch (pair[0], number) {
      case ("flip", nil) where pair.count == 1: result.flips = true
      case ("crop", let pixels?): result.crop = pixels
      case ("cutout", let pixels?): result.cutout = pixels
      case ("area", _): result.area = fraction ?? .nan
      case ("contrast", _): result.contrast = fraction ?? .nan
      default:
        throw .badSetting(
          "--augment: '\(part)' is not understood, expected crop=PIXELS, flip, cutout=PIXELS, "
            + "area=FRACTION or contrast=FRACTION")
      }
    }
    return result
  }
}

extension OptimizerSettings.Rule: ExpressibleByArgument {}

/// How `train` makes the network sparse.
struct MethodOptions: ParsableArguments {
  @Option(
    help: "How the network becomes sparse (default: dense; with --sparsity gmp).")
  var method: MethodSettings.Name?

  @Option(help: "The fraction of weights that are zero in the end, 0 up to 1.")
  var sparsity: Double?

  @Option(help: "How weights are scored, as in compress (default: magnitude).")
  var criterion: String?

  @Option(
    help: "How sparse each layer gets, as in compress (default: global; of static and rigl erk).")
  var allocation: String?

  @Option(help: "Which zeros stand together, as in compress, but not channels.")
  var pattern: String?

  @Option(
    help: ArgumentHelp(
      "Weights or nodes to leave dense; may be repeated. Also a kind: depthwise, first, last.",
      valueName: "glob"))
  var exclude: [String] = []

  /// Puts the flags in the place of what the recipe says.
  ///
  /// One-shot pruning is a step before training, by any criterion; then the mask is fixed.
  func apply(to recipe: inout TrainRecipe) {
    let usual: MethodSettings.Name =
      recipe.method.name == .dense && sparsity != nil ? .gmp : recipe.method.name
    let name = method ?? usual
    var settings = name == recipe.method.name ? recipe.method : MethodSettings(name)
    if name != recipe.method.name {
      (settings.exclude, settings.excludeKinds) = (
        recipe.method.exclude, recipe.method.excludeKinds
      )
      settings.layers = recipe.method.layers
    }
    settings.sparsity = sparsity ?? settings.sparsity
    settings.criterion = criterion ?? settings.criterion
    settings.allocation = allocation ?? settings.allocation
    settings.pattern = pattern ?? settings.pattern
    for name in exclude {
      if let kind = LayerKind(rawValue: name) {
        settings.excludeKinds.insert(kind)
      } else {
        settings.exclude.append(name)
      }
    }
    recipe.method = settings
    if name == .fixed, sparsity != nil || pattern != nil {
      recipe.steps.append(.prune(settings.oneShot))
      (recipe.method.sparsity, recipe.method.pattern) = (nil, nil)
      (recipe.method.criterion, recipe.method.allocation) = (nil, nil)
    }
  }
}

extension MethodSettings.Name: ExpressibleByArgument {}

extension MethodSettings {
  /// The same choice as a step of pruning.
  fileprivate var oneShot: PruneStep {
    PruneStep(
      sparsity: sparsity, criterion: criterion ?? MagnitudeCriterion().name,
      allocation: allocation, pattern: pattern ?? UnstructuredPattern().name, exclude: exclude,
      excludeKinds: excludeKinds, layers: layers)
  }
}
