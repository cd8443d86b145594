import SparrowCore

/// Fully connected layers with ReLU between them, as PyTorch's linear layers start by themselves.
///
/// Parameters `fc1.weight`, `fc1.bias`, `fc2.weight`, ... Samples of several axes are flattened. With
/// hidden layers of 300 and 100 it is LeNet-300-100. (LeCun et al. 1998, Gradient-Based Learning
/// Applied to Document Recognition, section III.C.4.)
enum MLP {
  static func build(
    _ b: inout NetworkBuilder, sample: [Int], hidden: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    var x = try b.flatten("flatten", try b.image(sample))
    for (i, width) in hidden.enumerated() {
      let layer = try b.linear("fc\(i + 1)", x, outputs: width)
      x = try b.nonlinearity("relu\(i + 1)", layer, .relu)
    }
    return try b.linear("fc\(hidden.count + 1)", x, outputs: classes)
  }
}
