import SparrowCore

/// What of a graph can be cut, in groups of channels.
///
/// A channel is everything that must go at once: one output of each convolution that a residual sum
/// couples, their normalisation parameters, and the weights that read it downstream. A group is the
/// channels that stand on the same axes: those of one layer, or of a whole stage. Only channels that
/// some weights make and others read are listed; what reaches a graph input or output, a softmax or
/// any operator that is not understood stays. (DepGraph, arXiv 2301.12900.)
public struct ChannelGroups: Sendable {
  /// In the order of the first nodes that make their channels.
  public let groups: [ChannelGroup]

  public init(_ graph: Graph) {
    var analysis = ChannelAnalysis(graph)
    groups = ChannelCollection(&analysis).groups()
  }

  /// The number of all channels.
  public var channelCount: Int { groups.reduce(0) { $0 + $1.count } }
}

/// Channels that stand on the same axes.
public struct ChannelGroup: Sendable {
  public enum Kind: String, Codable, Sendable {
    case channels
    /// Attention heads: each is several neighbouring channels.
    case heads
  }

  /// The name of the first node that makes the channels.
  public var name: String
  public var kind: Kind
  /// The number of channels.
  public var count: Int
  /// The axes of weights that make the channels: outputs.
  public var makers: [ChannelAxis]
  /// The axes of weights that read them: inputs.
  public var readers: [ChannelAxis]
  /// Every axis that the channels stand on, of weights, other constants and activations.
  public var axes: [ChannelAxis]
  /// The nodes that are touched, each once for what it makes, reads or passes on, in graph order.
  public var entries: [ChannelEntry]
}

/// Where the channels of a group stand on an axis of a value.
public struct ChannelAxis: Sendable {
  public var place: ValueAxis
  /// The node that multiplies by it, for makers and readers.
  public var node: Int?
  /// The indices of each channel, ascending; as many of each.
  public var indices: [[Int]]
}

/// One node that a group touches.
public struct ChannelEntry: Hashable, Sendable {
  public enum Role: String, Codable, Sendable {
    case makes, reads, passes
  }

  public var node: Int
  public var role: Role
}
