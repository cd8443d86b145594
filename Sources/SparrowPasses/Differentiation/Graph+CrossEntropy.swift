import SparrowCore

/// A classification loss that was put on a graph.
public struct CrossEntropyLoss: Sendable {
  /// The loss, of shape `[]` or, without reduction, the labels'.
  public var loss: ValueID
  /// The new graph input: int64 classes `[N, ...]`, one a position of the scores.
  public var labels: ValueID
  /// The scores `[N, C, ...]` whose softmax it takes.
  public var scores: ValueID
}

extension Graph {
  /// Appends the softmax cross entropy of the first output, `[N, C, ...]` with classes along axis 1, to
  /// labels that become a graph input named `labels`. Outputs stay as they are.
  ///
  /// Where the output is a Softmax along axis 1 already, its input is taken for the scores, so that
  /// the loss is that of the probabilities as they are.
  public mutating func addCrossEntropyLoss(
    reduction: LossReduction = .mean
  ) throws(DifferentiationError) -> CrossEntropyLoss {
    guard let output = outputs.first else { throw .noScores("the graph has no output") }
    var scores = output
    if let maker = nodes.first(where: { $0.outputs.contains(output) }),
      case .softmax(let op) = maker.op, !op.isLog, let input = maker.input(0),
      let rank = self[output].type?.dimensions?.count, op.axis == 1 || op.axis == 1 - rank
    {
      scores = input
    }
    guard let type = self[scores].type, type.dtype.isFloatingPoint,
      let dimensions = type.dimensions, dimensions.count >= 2
    else {
      throw .noScores(
        "the output '\(self[output].name)' is \(self[output].type?.text ?? "of unknown type"), "
          + "expected scores [N, C] of C classes")
    }
    let labels = addInput(
      unusedName("labels"), TensorType(.int64, [dimensions[0]] + dimensions[2...]))
    var op = SoftmaxCrossEntropyLoss()
    op.reduction = reduction
    do throws(GraphError) {
      let loss = try add(.softmaxCrossEntropyLoss(op), [scores, labels], name: unusedName("loss"))
      return CrossEntropyLoss(loss: loss, labels: labels, scores: scores)
    } catch {
      throw .graph(error)
    }
  }
}
