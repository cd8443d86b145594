import SparrowCompress
import SparrowCore
import SparrowPasses

/// A compressed model and what became of each weight.
public struct CompressedModel: Sendable {
  /// Made of standard operators; the pruned weights are dense with zeros.
  public var model: Model
  public var result: CompressionResult
  /// How the pruned weights may be stored in blocks; nil where no step prunes in blocks.
  public var blockShape: BlockShape?
}

extension Model {
  /// The model compressed by `recipe`.
  ///
  /// Weights are pruned as they were trained, before batch normalisation is folded into them. Weights
  /// that the model computes from smaller constants (int8 through Cast and Mul) are computed first
  /// where they are pruned, and stay small where they are left alone.
  ///
  /// `calibration` is for choices that learn from data; they may change biases beside weights. Channels
  /// are cut out of the graph, whose inputs and outputs stay as they are.
  ///
  /// `measures` says how targets other than sparsity are measured; where it has no inputs and no file
  /// size, latency is that of ``randomInputs(_:seed:)`` at batch 1, and size that of a `.sparrow` file.
  public func compressed(
    _ recipe: Recipe, calibration: CalibrationRun? = nil,
    measures: TargetMeasures = TargetMeasures()
  ) throws(SparrowError) -> CompressedModel {
    let cleaned = try self.cleaned()
    var expanded = cleaned.graph
    try rewrite(&expanded, [ConstantFolding(expandsWeights: true)], PassOptions())
    let result: CompressionResult
    var blockShape: BlockShape?
    do throws(CompressError) {
      for case .prune(let step) in recipe.steps {
        blockShape = try Choices.pattern(step.pattern).blockShape ?? blockShape
      }
    } catch {
      throw .compression(model: path, error)
    }
    let measures = try cleaned.completed(
      measures, recipe, blockShape: blockShape, isCalibrated: calibration != nil)
    do throws(CompressError) {
      result = try Compression(recipe).run(
        on: expanded, calibration: calibration, measures: measures)
    } catch {
      throw .compression(model: path, error)
    }
    var graph = cleaned.graph
    if result.isCalibrated || !result.channels.isEmpty {
      graph = result.graph
    } else {
      graph.replaceValues(named: result.prunedWeights)
    }
    try rewrite(&graph, .cleanup, PassOptions())
    return CompressedModel(
      model: Model(graph: graph, path: path), result: result, blockShape: blockShape)
  }
}

extension CompressionResult {
  /// The tensors of the weights that a step pruned, by name.
  fileprivate var prunedWeights: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for value in graph.values {
      guard outcomes[value.name]?.pattern != nil, let tensor = value.constant else { continue }
      tensors[value.name] = tensor
    }
    return tensors
  }
}

extension Graph {
  /// Puts constants in the place of the named values; what computed those goes if nobody needs it.
  mutating func replaceValues(named tensors: [String: Tensor]) {
    for i in values.indices {
      guard let tensor = tensors[values[i].name] else { continue }
      guard values[i].constant == nil else {
        values[i].constant = tensor
        continue
      }
      let name = values[i].name
      values[i].name = unusedName(name + "_computed")
      let constant = addConstant(name, tensor)
      for n in nodes.indices {
        for j in nodes[n].inputs.indices where nodes[n].inputs[j] == ValueID(i) {
          nodes[n].inputs[j] = constant
        }
      }
    }
    removeDeadNodes()
  }
}
