import SparrowCore

/// LeNet-5 in the form that pruning is measured on: Caffe's, 20 and 50 channels and 500 hidden units,
/// 431 thousand parameters, ReLU after the first linear layer alone. (LeCun et al. 1998; Han et al.
/// 2015, Learning both Weights and Connections, table 3.)
///
/// Parameters `conv1`, `conv2`, `fc1`, `fc2`, as PyTorch's layers start by themselves.
enum LeNet5 {
  static func build(
    _ b: inout NetworkBuilder, sample: [Int], width: Double, classes: Int
  ) throws(ArchitectureError) -> ValueID {
    var x = try b.image(sample)
    for (i, channels) in [20, 50].enumerated() {
      let outputs = ChannelRounding.nearest(channels, times: width)
      let form = ConvolutionForm.plain(outputs, kernel: 5, padding: .each(0))
      x = try b.convolution("conv\(i + 1)", x, form)
      x = try b.maxPool("pool\(i + 1)", x, kernel: 2, stride: 2)
    }
    let rows = try b.flatten("flatten", x)
    let hidden = try b.linear(
      "fc1", rows, outputs: ChannelRounding.nearest(500, times: width))
    return try b.linear("fc2", try b.nonlinearity("relu1", hidden, .relu), outputs: classes)
  }
}
