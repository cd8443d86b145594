/// How far a convolution or pooling looks over the border.
public enum BorderPadding: Hashable, Sendable {
  /// As many zeros on each side.
  case each(Int)
  /// Half the kernel on each side, which keeps lengths at stride 1.
  case half
  /// What makes the output as long as the input divided by the stride, rounded up; an odd zero comes
  /// last (TensorFlow's SAME).
  case same
}

/// A convolution's form.
public struct ConvolutionForm: Hashable, Sendable {
  /// Output channels.
  public var outputs: Int
  /// Height and width of the window.
  public var kernel: Int
  /// The step of the window in both directions.
  public var stride = 1
  /// Equal to the input's channels for a depthwise convolution.
  public var groups = 1
  public var padding = BorderPadding.half
  public var hasBias = false
  /// What the weight starts at.
  public var weight = Initialization.kaimingNormal(.outputs)
  /// nil: uniform within 1 / sqrt(inputs of one output), as PyTorch's layers do by themselves.
  public var bias: Initialization? = .constant(0)

  public init(_ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1) {
    (self.outputs, self.kernel, self.stride, self.groups) = (outputs, kernel, stride, groups)
  }

  /// With a bias; both as PyTorch's layers start by themselves.
  public static func plain(
    _ outputs: Int, kernel: Int, padding: BorderPadding = .half
  ) -> ConvolutionForm {
    var form = ConvolutionForm(outputs, kernel: kernel)
    (form.padding, form.hasBias) = (padding, true)
    (form.weight, form.bias) = (.uniformFanIn, nil)
    return form
  }
}

/// A batch normalisation's constants.
public struct BatchNormForm: Hashable, Sendable {
  /// Added to variances before the root.
  public var epsilon: Float = 1e-5
  /// How much of the running statistics stays in a step of training (1 - PyTorch's momentum).
  public var momentum: Float = 0.9
  /// What its scale starts at: 0 makes a residual branch silent at first.
  public var scale: Float = 1

  public init(epsilon: Float = 1e-5, momentum: Float = 0.9, scale: Float = 1) {
    (self.epsilon, self.momentum, self.scale) = (epsilon, momentum, scale)
  }
}

/// A linear layer's first values.
public struct LinearForm: Hashable, Sendable {
  /// What the weight `[outputs, inputs]` starts at.
  public var weight = Initialization.uniformFanIn
  /// nil: uniform within 1 / sqrt(inputs), as PyTorch's layers do by themselves.
  public var bias: Initialization?

  public init(weight: Initialization = .uniformFanIn, bias: Initialization? = nil) {
    (self.weight, self.bias) = (weight, bias)
  }
}

/// An elementwise function between layers.
public enum Nonlinearity: Hashable, Sendable {
  case none, relu
  /// min(max(x, 0), 6)
  case relu6
  /// x * max(0, min(1, x / 6 + 1 / 2))
  case hardSwish
  case gelu, tanh
}
