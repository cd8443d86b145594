extension [any Pass] {
  /// Rewrites after which a graph is still made of standard operators alone, with its weights as
  /// they were: safe before compression, training and export.
  public static var cleanup: [any Pass] {
    [
      IdentityRemoval(),
      NeutralRemoval(),
      ConstantFolding(),
      BranchSelection(),
      CommonSubexpressions(),
      DeadCode(),
    ]
  }

  /// Everything that makes the graph faster to run. Batch-norm and scales go into the weights before
  /// them, and nodes get fused activations, biases and addends that are Sparrow's own.
  public static var deployment: [any Pass] {
    cleanup + [
      ConstantCaptures(),
      LayerNormRecognition(),
      GeluRecognition(),
      HardSwishRecognition(),
      GlobalPoolRecognition(),
      BatchNormFolding(),
      ScaleFolding(),
      BiasFusion(),
      InputScaleFolding(),
      ResidualFusion(),
      ActivationFusion(),
      CommonSubexpressions(mergesParameters: true),
      DeadCode(),
    ]
  }
}
