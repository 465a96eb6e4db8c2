# Who has to say yes before a deployment to production, as code.
resource "github_repository_environment" "production" {
  repository          = "clay-integration"
  environment         = "production"
  prevent_self_review = true

  reviewers {
    teams = [data.github_team.growth.id]
  }

  deployment_branch_policy {
    protected_branches     = true
    custom_branch_policies = false
  }
}

data "github_team" "growth" {
  slug = "growth"
}
