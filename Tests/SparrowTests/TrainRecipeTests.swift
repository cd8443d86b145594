import Foundation
import Sparrow
import SparrowTestSupport
import Testing

struct TrainRecipeTests {
  private static let full = """
    version: 1
    calibration: {samples: 128}
    steps: [{prune: {sparsity: 0.5}}]
    train:
      epochs: 60
      batch: 32
      seed: 7
      optimizer: {name: sgd, momentum: 0.8, nesterov: true, beta1: 0.8, beta2: 0.9, epsilon: 1e-6,
        trust: 0.01, weight_decay: 5e-4, decay_vectors: false}
      schedule: {learning_rate: 0.1, shape: step, milestones: [30, 45], factor: 0.2, warm_up: 2}
      loss: {name: cross-entropy, label_smoothing: 0.1}
      distillation: {share: 0.5, temperature: 2}
      clip: 1
      augmentation: {crop: 4, flip: true, cutout: 8}
      normalization: frozen
      frozen: ["*head*"]
      head: {classes: 5, features: pool}
      backbone: frozen
      method:
        name: gmp
        sparsity: 0.95
        criterion: taylor
        allocation: lamp
        pattern: 1x4
        exclude: [a]
        exclude_kinds: [first]
        layers: [{match: b, sparsity: 0.3}]
        start: 0.1
        end: 0.6
        initial: 0.2
        every: 10
    """

  @Test func everyKey() throws {
    let recipe = try TrainRecipe(yaml: Self.full)
    var optimizer = OptimizerSettings(
      .sgd, momentum: 0.8, nesterov: true, weightDecay: 5e-4, decaysVectors: false, epsilon: 1e-6,
      trust: 0.01)
    (optimizer.beta1, optimizer.beta2) = (0.8, 0.9)
    let training = TrainingSettings(
      epochs: 60, batch: 32, seed: 7,
      loss: TrainingLoss(
        .crossEntropy(labelSmoothing: 0.1), distillation: Distillation(share: 0.5, temperature: 2)),
      optimizer: optimizer,
      schedule: LearningRateSchedule(0.1, .step(milestones: [30, 45], factor: 0.2), warmUp: 2),
      clip: 1, augmentation: Augmentation(crop: 4, flips: true, cutout: 8), normalization: .frozen,
      frozen: ["*head*"])
    #expect(recipe.training == training)
    var method = MethodSettings(.gmp, sparsity: 0.95)
    (method.criterion, method.allocation, method.pattern) = ("taylor", "lamp", "1x4")
    (method.exclude, method.excludeKinds) = (["a"], [.first])
    method.layers = [LayerOverride(match: "b", sparsity: 0.3)]
    (method.start, method.end, method.initial, method.every) = (0.1, 0.6, 0.2, 10)
    #expect(recipe.method == method)
    #expect(recipe.steps == [.prune(PruneStep(sparsity: 0.5))])
    #expect(recipe.calibration.samples == 128)
    #expect(recipe.head == HeadSettings(classes: 5, features: "pool"))
    #expect(recipe.backbone == .frozen)
    #expect(try TrainRecipe(yaml: try recipe.yaml()) == recipe)
  }

  @Test(arguments: MethodSettings.Name.allCases)
  func methodsOfEveryNameAreMade(_ name: MethodSettings.Name) throws {
    var settings = MethodSettings(name)
    #expect(try settings.method().name == name.rawValue)
    settings.rho = name == .admm ? nil : 1
    settings.rounds = name == .admm ? 2 : nil
    #expect(throws: TrainError.self) { try settings.method() }
  }

  @Test func lossesWithoutLabelsAndGates() throws {
    let recipe = try TrainRecipe(
      yaml: """
        version: 1
        train:
          epochs: 2
          loss: {name: vicreg, invariance: 10, variance: 20, covariance: 3}
          gating: {target: 0.3, weight: 4, bounds: 2, decay: 0.5, temperature: 1, settling: 0.2}
        """)
    #expect(
      recipe.training.loss.task
        == .vicReg(VICReg(invariance: 10, variance: 20, covariance: 3)))
    #expect(
      recipe.training.gating
        == GatingSettings(
          target: 0.3, weight: 4, bounds: 2, decay: 0.5, temperature: 1, settling: 0.2))
    #expect(try TrainRecipe(yaml: try recipe.yaml()) == recipe)
    var frozen = recipe
    frozen.backbone = .frozen
    #expect(throws: TrainError.self) { try frozen.check() }
    let usual = try TrainRecipe(
      yaml: "{version: 1, train: {epochs: 3, loss: {name: vicreg}, gating: {target: 0.5}}}")
    #expect(usual.training.loss.task == .vicReg())
    #expect(usual.training.gating == GatingSettings(target: 0.5))
  }

  @Test func defaults() throws {
    let recipe = try TrainRecipe(yaml: "{version: 1, train: {epochs: 3}}")
    #expect(recipe == TrainRecipe(training: TrainingSettings(epochs: 3)))
    #expect(recipe.pruning == nil)
  }

  /// Each names the key at fault and what was expected there.
  @Test(arguments: [
    ("{version: 1}", "'train' is missing"),
    ("{version: 1, train: {}}", "train: the key 'epochs' is missing"),
    ("{version: 1, train: {epochs: 1, epoch: 1}}", "train: there is no key 'epoch' here"),
    (
      "{version: 1, train: {epochs: 1, optimizer: {name: best}}}",
      "train.optimizer.name: found 'best', expected one of sgd, adam, adamw, lars"
    ),
    (
      "{version: 1, train: {epochs: 1, schedule: {learning_rate: 1, factor: 2}}}",
      "train.schedule.factor: the shape cosine has no such setting"
    ),
    (
      "{version: 1, train: {epochs: 1, method: {sparsity: 0.5}}}",
      "train.method: the key 'name' is missing"
    ),
    (
      "{version: 1, train: {epochs: 1, loss: {name: mse, label_smoothing: 0.1}}}",
      "train.loss.label_smoothing: mse has no classes to smooth"
    ),
    (
      "{version: 1, train: {epochs: 1, loss: {name: mse, variance: 1}}}",
      "train.loss.variance: mse has no such part; vicreg has"
    ),
    (
      "{version: 1, train: {epochs: 1, loss: {name: vicreg, label_smoothing: 0.1}}}",
      "train.loss.label_smoothing: vicreg has no classes to smooth"
    ),
    (
      "{version: 1, train: {epochs: 1, gating: {weight: 1}}}",
      "train.gating: the key 'target' is missing"
    ),
    ("{version: 2, train: {epochs: 1}}", "version: found 2, expected 1"),
  ])
  func mistakesAreNamed(_ text: String, _ message: String) {
    do throws(RecipeError) {
      _ = try TrainRecipe(yaml: text)
      Issue.record("\(text) is accepted")
    } catch {
      #expect(error.message.contains(message), "\(error.message)")
    }
  }

  /// Every key of the schema is one that is read, and the other way round.
  @Test func keysAreTheSchemas() throws {
    let data = try Data(
      contentsOf: Repository.root.appendingPathComponent("Schemas/recipe.schema.json"))
    let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let defs = try #require(schema["$defs"] as? [String: [String: Any]])
    func keys(_ name: String) throws -> Set<String> {
      Set(try #require(defs[name]?["properties"] as? [String: Any]).keys)
    }
    func read(_ path: String) throws -> Set<String> {
      // A key that does not exist is answered with those that do.
      let lines = ["version: 1", "train:", "  epochs: 1", "  \(path.isEmpty ? "zzz: 1" : path)"]
      do throws(RecipeError) {
        _ = try TrainRecipe(yaml: lines.joined(separator: "\n"))
        return []
      } catch {
        let list = try #require(error.message.components(separatedBy: "expected ").last)
        return Set(list.components(separatedBy: ", "))
      }
    }
    #expect(try read("") == keys("train"))
    let train = defs["train"]?["properties"] as? [String: [String: Any]]
    let headKeys = Set((train?["head"]?["properties"] as? [String: Any] ?? [:]).keys)
    #expect(try read("optimizer: {zzz: 1}") == keys("optimizer"))
    #expect(try read("schedule: {zzz: 1}") == keys("schedule"))
    #expect(try read("head: {zzz: 1}") == headKeys)
    #expect(try read("method: {zzz: 1}") == keys("method"))
    #expect(try read("gating: {zzz: 1}") == keys("gating"))
    let names = (defs["method"]?["properties"] as? [String: [String: Any]])?["name"]?["enum"]
    #expect(names as? [String] == MethodSettings.Name.allCases.map { $0.rawValue })
    let rules = (defs["optimizer"]?["properties"] as? [String: [String: Any]])?["name"]?["enum"]
    #expect(rules as? [String] == OptimizerSettings.Rule.allCases.map { $0.rawValue })
  }
}
