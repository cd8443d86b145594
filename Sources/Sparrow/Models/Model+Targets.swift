import SparrowCompress
import SparrowCore
import SparrowHost
import SparrowFormats
import SparrowPasses
import SparrowRuntime

extension Model {
  /// `measures` with what the recipe's targets need beyond them.
  func completed(
    _ measures: TargetMeasures, _ recipe: Recipe, blockShape: BlockShape?, isCalibrated: Bool
  ) throws(SparrowError) -> TargetMeasures {
    var measures = measures
    for case .prune(let step) in recipe.steps {
      switch step.target?.kind {
      case .latency where measures.inputs == nil:
        measures.inputs = try randomInputs(try inputShapes(InputShapes(batch: 1)))
      case .fileSize where measures.fileSize == nil:
        measures.fileSize = fileSize(blockShape: blockShape, isCalibrated: isCalibrated)
      case .latency, .fileSize, .multiplyAdds, .sparsity, nil: break
      }
    }
    return measures
  }

  /// The bytes of the `.sparrow` file of this model with weights of another graph in their places: all
  /// of that graph where calibration may have changed more of it.
  private func fileSize(blockShape: BlockShape?, isCalibrated: Bool) -> TargetMeasures.FileSize {
    { graph, pruned throws(CompressError) in
      do throws(SparrowError) {
        var model = self
        if isCalibrated {
          model.graph = graph
        } else {
          var tensors: [String: Tensor] = [:]
          for value in graph.values where pruned.contains(value.name) {
            tensors[value.name] = value.constant
          }
          model.graph.replaceValues(named: tensors)
        }
        try model.rewrite(&model.graph, .cleanup, PassOptions())
        return ContainerWriter.byteCount(
          of: try model.deployable(blockShape: blockShape).model.graph)
      } catch {
        throw .measuring(error.message)
      }
    }
  }
}
