import Sparrow
import SparrowCompress
import Testing

struct RecipeYAMLTests {
  @Test func everyKey() throws {
    let recipe = try Recipe(
      yaml: """
        version: 1
        calibration: {samples: 512, batch: 16, seed: 3, ridge: 0.01}
        steps:
          - prune:
              sparsity: 0.9
              criterion: magnitude
              allocation: erk
              pattern: 1x4
              repair: [mean-variance, bias]
              schedule: one-shot
              exclude: ["*head*"]
              exclude_kinds: [depthwise, first]
              layers:
                - match: "conv1*"
                  sparsity: 0.5
                - match: fc
                  sparsity: 0
        """)
    let expected = PruneStep(
      sparsity: 0.9, allocation: "erk", pattern: "1x4", repair: ["mean-variance", "bias"],
      exclude: ["*head*"],
      excludeKinds: [.depthwise, .first],
      layers: [
        LayerOverride(match: "conv1*", sparsity: 0.5), LayerOverride(match: "fc", sparsity: 0),
      ])
    let calibration = CalibrationSettings(samples: 512, batch: 16, seed: 3, ridge: 0.01)
    #expect(recipe == Recipe(steps: [.prune(expected)], calibration: calibration))
    #expect(try Recipe(yaml: try recipe.yaml()) == recipe)
  }

  @Test func aSingleRepairNeedsNoList() throws {
    let recipe = try Recipe(yaml: "{version: 1, steps: [{prune: {sparsity: 0.5, repair: bias}}]}")
    #expect(recipe == Recipe(prune: PruneStep(sparsity: 0.5, repair: ["bias"])))
  }

  @Test func defaults() throws {
    let recipe = try Recipe(yaml: "{version: 1, steps: [{prune: {pattern: '2:4'}}]}")
    #expect(recipe == Recipe(prune: PruneStep(pattern: "2:4")))
  }

  /// Each names the key at fault and what was expected there.
  @Test(arguments: [
    ("", "expected"),
    ("steps: []", "'version' is missing"),
    ("{version: 2, steps: []}", "version: found 2, expected 1"),
    ("{version: 1, steps: []}", "steps: expected at least one step"),
    ("{version: 1, step: []}", "no key 'step' here, expected version, calibration, steps"),
    ("{version: 1, steps: [{prun: {}}]}", "steps[0]: there is no key 'prun' here, expected prune"),
    ("{version: 1, steps: [{}]}", "'prune' is missing"),
    (
      "{version: 1, steps: [{prune: {sparsity: most}}]}",
      "steps[0].prune.sparsity: expected a number"
    ),
    (
      "{version: 1, steps: [{prune: {sparsty: 0.9}}]}",
      "steps[0].prune: there is no key 'sparsty' here, expected sparsity"
    ),
    ("{version: 1, steps: [{prune: {exclude: fc}}]}", "steps[0].prune.exclude: expected a list"),
    (
      "{version: 1, steps: [{prune: {exclude_kinds: [fast]}}]}",
      "steps[0].prune.exclude_kinds: found 'fast', expected one of depthwise, first, last"
    ),
    (
      "{version: 1, steps: [{prune: {layers: [{match: fc}]}}]}",
      "steps[0].prune.layers[0]: the key 'sparsity' is missing"
    ),
    ("version: [1", "not valid YAML"),
  ])
  func mistakes(yaml: String, message: String) throws {
    let error = try #require(throws: RecipeError.self) { try Recipe(yaml: yaml) }
    #expect(error.message.contains(message), "\(error.message)")
  }
}
