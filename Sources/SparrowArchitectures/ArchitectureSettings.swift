/// What may be chosen of an architecture; nil where its own default holds.
public struct ArchitectureSettings: Hashable, Sendable {
  /// The number of scores.
  public var classes: Int?
  /// The shape of one sample: `[channels, height, width]`, any shape for ``Architecture/mlp``, and the
  /// number of tokens for BERT, whose sequence length stays open otherwise.
  public var inputShape: [Int]?
  /// What first values of parameters follow from. Parameters of the same name and shape get the same
  /// values whatever else the network has.
  public var seed: UInt64 = 0
  /// Multiplies the channels of convolutional networks.
  public var width: Double = 1
  /// The widths of an MLP's hidden layers; the one hidden width of BERT.
  public var hidden: [Int]?
  /// BERT's encoder layers.
  public var layers: Int?
  /// BERT's attention heads.
  public var heads: Int?
  /// The number of token ids that BERT knows.
  public var vocabulary: Int?
  /// Whether parameters are drawn. False leaves weights at zero, for values that are put in afterwards.
  public var drawsParameters = true

  public init(
    classes: Int? = nil, inputShape: [Int]? = nil, seed: UInt64 = 0, width: Double = 1
  ) {
    (self.classes, self.inputShape, self.seed, self.width) = (classes, inputShape, seed, width)
  }
}
