import SparrowCore

/// FBNetV3 A to G: inverted residuals with squeeze-and-excitation and hard swish, found by search. (Dai
/// et al. 2021, FBNetV3: Joint Architecture-Recipe Search, section 4; layer tables of the authors'
/// published model definitions, `FBNetV3+Tables.swift`.)
///
/// Parameters are named as in the published state dicts: `backbone.stages.xif0_0.conv.weight`,
/// `backbone.stages.xif2_0.pw.conv.weight`, `...dw.bn.weight`, `...se.se.0.conv.weight`,
/// `...pwl.conv.weight`, `head.conv.weight`. First values are PyTorch's own for convolutions; the last
/// batch norm of a residual block starts at 0.
///
/// The form for small images is ours, in the style of FBNetV3 and not published: the same blocks with
/// stride 1 in the stem and the second stage, and half the kernel of zeros at every border.
struct FBNetV3 {
  /// A run of equal blocks; the stride is the first one's.
  struct Blocks {
    var kernel: Int
    var channels: Int
    var stride = 1
    var count = 1
    var expansion: Int
    var squeezes = false
    /// The first block's zeros at each border; half the kernel unless said otherwise.
    var zeros: Int?
  }

  /// Height and width that it was made for.
  var side: Int
  var stem: Int
  /// Resolution stages after the stem.
  var stages: [[Blocks]]
  /// The expansion before the mean of the last map.
  var headExpansion = 6
  /// Channels between that mean and the scores.
  var head = 1984
  var width = 1.0
  var isSmall = false

  func build(
    _ b: inout NetworkBuilder, sample: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    let stages = "backbone.stages."
    let first = form(scaled(stem), kernel: 3, stride: isSmall ? 1 : 2)
    var x = try layer(&b, stages + "xif0_0", try b.image(sample), first)
    for (s, runs) in self.stages.enumerated() {
      var place = 0
      for blocks in runs {
        for i in 0..<blocks.count {
          var block = blocks
          if i > 0 || isSmall { block.zeros = nil }
          if i > 0 || isSmall && s == 1 { block.stride = 1 }
          x = try self.block(&b, stages + "xif\(s + 1)_\(place)", x, block)
          place += 1
        }
      }
    }
    return try classifier(&b, stages + "xif\(self.stages.count + 1)_0", x, classes)
  }

  private func scaled(_ channels: Int) -> Int {
    width == 1 ? channels : Self.rounded(Double(channels) * width)
  }

  /// To a multiple of 8, never below 95 % of what was asked, as its authors round.
  private static func rounded(_ channels: Double) -> Int {
    ChannelRounding.divisible(channels, by: 8, least: 0.95)
  }

  private func block(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ block: Blocks
  ) throws(ArchitectureError) -> ValueID {
    let (inputs, outputs) = (try b.lengths(x)[0], scaled(block.channels))
    let middle = Self.rounded(Double(inputs * block.expansion))
    var y = x
    if middle != inputs { y = try layer(&b, "\(name).pw", y, form(middle, kernel: 1)) }
    var depthwise = form(middle, kernel: block.kernel, stride: block.stride)
    depthwise.groups = middle
    if let zeros = block.zeros { depthwise.padding = .each(zeros) }
    y = try layer(&b, "\(name).dw", y, depthwise)
    if block.squeezes {
      // A quarter of the block's inputs, whatever the expansion.
      let narrow = Self.rounded(Double(middle / (4 * block.expansion)))
      y = try b.squeezeExcite(
        "\(name).se", y, channels: narrow, .hardSwish, reduce: "\(name).se.se.0.conv",
        expand: "\(name).se.se.1")
    }
    let isResidual = block.stride == 1 && inputs == outputs
    y = try b.convolution("\(name).pwl.conv", y, form(outputs, kernel: 1))
    y = try b.batchNorm("\(name).pwl.bn", y, BatchNormForm(scale: isResidual ? 0 : 1))
    return isResidual ? try b.sum("\(name).add", y, x) : y
  }

  /// 1x1, the mean over height and width, and two 1x1 convolutions of what is left: one position.
  private func classifier(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ classes: Int
  ) throws(ArchitectureError) -> ValueID {
    let middle = Self.rounded(Double(try b.lengths(x)[0] * headExpansion))
    let wide = try layer(&b, "\(name).pw", x, form(middle, kernel: 1))
    let mean = try b.add(.globalPool(GlobalPool(.average)), [wide], "\(name).dw")
    let last = try b.convolution("\(name).pwl.conv", mean, form(scaled(head), kernel: 1))
    let active = try b.nonlinearity("\(name).pwl.relu", last, .hardSwish)
    let scores = try b.convolution("head.conv", active, .plain(classes, kernel: 1))
    return try b.flatten("head.flatten", scores)
  }

  private func layer(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ form: ConvolutionForm
  ) throws(ArchitectureError) -> ValueID {
    let y = try b.batchNorm("\(name).bn", try b.convolution("\(name).conv", x, form))
    return try b.nonlinearity("\(name).relu", y, .hardSwish)
  }

  private func form(_ outputs: Int, kernel: Int, stride: Int = 1) -> ConvolutionForm {
    var form = ConvolutionForm(outputs, kernel: kernel, stride: stride)
    form.weight = .uniformFanIn
    return form
  }
}
