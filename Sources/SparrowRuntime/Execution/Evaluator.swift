import SparrowCore

/// Runs single operators on constant tensors: what constant folding is made of.
public enum Evaluator {
  /// The outputs of one operator on known inputs.
  public static func evaluate(
    _ op: Op, inputs: [Tensor?], outputCount: Int, label: String
  ) throws(RuntimeError) -> [Tensor] {
    throw .unsupported(node: label, reason: "evaluation is not built yet")
  }
}
