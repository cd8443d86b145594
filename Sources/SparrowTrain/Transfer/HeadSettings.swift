/// A fresh linear layer in the place of a network's last one, for other classes than it was trained on.
public struct HeadSettings: Hashable, Sendable {
  /// The most scores that a head may have.
  static let largestClassCount = 1 << 20

  /// The number of scores.
  public var classes: Int
  /// The value that the layer reads, by its name or that of the node that makes it: rows
  /// `[N, features]`, or images `[N, features, H, W]` of which it takes the mean. Everything after it
  /// is left out. Nil: what the network's last linear layer reads.
  public var features: String?

  public init(classes: Int, features: String? = nil) {
    (self.classes, self.features) = (classes, features)
  }

  /// Throws where a number is out of its range.
  public func check() throws(TrainError) {
    guard (1...Self.largestClassCount).contains(classes) else {
      throw .setting(
        "the head has \(classes) classes, expected 1 to \(Self.largestClassCount)")
    }
  }
}

/// What of a network is trained.
public enum Backbone: String, CaseIterable, Hashable, Sendable {
  /// Everything: full transfer.
  case trained
  /// The last linear layer alone, on features that are computed once: linear transfer.
  case frozen
}
