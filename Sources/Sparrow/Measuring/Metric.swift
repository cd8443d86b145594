/// What an evaluation measures.
public enum Metric: String, CaseIterable, Sendable {
  /// The share of samples whose label has the largest score.
  case top1
  /// The share of samples whose label is among the five largest scores.
  case top5
  /// The mean over the classes of the share of each one's samples whose label has the largest score.
  case meanPerClass = "mean-per-class"
  /// The share of samples whose largest score is at the same place as the reference's.
  case agreement
  /// The mean cosine similarity to the reference's outputs.
  case cosine

  /// Whether the model is compared with another one; with labels otherwise.
  public var needsReference: Bool {
    switch self {
    case .top1, .top5, .meanPerClass: false
    case .agreement, .cosine: true
    }
  }
}

/// How a model's first output becomes one vector a sample.
public enum Pooling: String, CaseIterable, Sendable {
  /// All of a sample's elements.
  case none
  /// The mean over the tokens of [batch, tokens, width] whose place in the input `attention_mask` is
  /// not 0: a sentence's embedding. (Reimers and Gurevych 2019, Sentence-BERT, section 3.)
  case mean

  /// The input that marks the tokens of a sentence.
  static let maskName = "attention_mask"
}
